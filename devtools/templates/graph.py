"""A workflow file made in Python: nodes by the names of their inputs, laid out in titled groups.

Sizes are those that the page gives the nodes, the larger of both renderers, with room for what they show after a run.
"""

from __future__ import annotations

import math
import uuid
from dataclasses import dataclass, field

from devtools.workflow import EDITOR_ALONE, choices, is_widget

TITLE, GAP, MARGIN, HEADING = 30, 24, 16, 44
"""Pixels: the title above a node, between nodes, and from a group's border and heading to what lies in it. The page opens a
workflow so that all of it is seen: what is wide is small."""
SIZES = {
    "GoodDrag_DemoModel": (320, 270),
    "GoodDrag_Points": (440, 1000),
    "GoodDrag_LoRATune": (300, 500),
    "GoodDrag_Invert": (300, 270),
    "GoodDrag_Sampler": (300, 900),
    "GoodDrag_Decode": (300, 270),
    "GoodDrag_Fit": (300, 90),
    "GoodDrag_CarryBack": (300, 150),
    "GoodDrag_Score": (300, 380),
    "GoodDrag_Compare": (420, 640),
    "CheckpointLoaderSimple": (320, 130),
    "CLIPTextEncode": (300, 130),
    "LoadImage": (320, 400),
    "SaveImage": (300, 340),
    "PreviewImage": (300, 310),
    "KSampler": (300, 580),
}
NOTE_WIDTH = 320
SCENE = ("arm", 1001)
"""Kind and number of the demo scene that is dragged where nothing else is asked for; most arrows of one's own come out in it."""


@dataclass(frozen=True)
class Output:
    """One output of a node, to be given to an input of another."""

    node: int
    index: int
    type: str


@dataclass
class Node:
    id: int
    type: str
    title: str
    size: tuple[int, int]
    outputs: dict[str, Output]
    inputs: dict = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    slots: dict[str, str] = field(default_factory=dict)
    """Types of the inputs that take a link, by name."""
    values: list = field(default_factory=list)
    models: list[dict] = field(default_factory=list)
    at: tuple[int, int] = (0, 0)

    def __getitem__(self, name: str) -> Output:
        return self.outputs[name]


class Workflow:
    """``object_info`` is the server's: it knows every node's inputs, outputs and defaults."""

    def __init__(self, name: str, object_info: dict):
        self.name, self.object_info = name, object_info
        self.nodes: list[Node] = []
        self.groups: list[dict] = []
        self.shown: list[Output] = []
        """The pictures of the template browser, from left to right."""
        self.scene = SCENE
        """What is dragged in them when the workflow has no scene of its own."""
        self._x = self._y = self._bottom = 0

    def add(self, type: str, title: str = "", models: tuple[dict, ...] = (), **given) -> Node:
        """A node. ``given`` are its inputs by name, values or outputs of other nodes; the others keep their defaults. Raises
        ``ValueError`` for a name that the node does not have, and for an input that is needed and not given."""
        info = self.object_info[type]
        required = info["input"].get("required", {})
        specs = {**required, **info["input"].get("optional", {})}
        if unknown := set(given) - set(specs):
            raise ValueError(f"{type} has no input {', '.join(sorted(unknown))}; it has {', '.join(specs)}")
        slots, values = {}, []
        for name, spec in specs.items():
            options = spec[1] if len(spec) > 1 else {}
            if not is_widget(spec):
                slots[name] = spec[0]
                if name in required and name not in given:
                    raise ValueError(f"{type} needs {name}")
                continue
            value = given.pop(name, options.get("default", _first(spec)))
            values.append(value)
            values += [default for option, default in EDITOR_ALONE.items() if options.get(option)]
        number = len(self.nodes) + 1
        outputs = {
            name: Output(number, i, kind) for i, (name, kind) in enumerate(zip(info["output_name"], info["output"]))
        }
        rows = max(len(slots), len(outputs))
        size = SIZES.get(type, (300, 20 * rows + 26 * len(values) + 44))
        node = Node(number, type, title or info.get("display_name") or type, size, outputs, given,
                    frozenset(specs) - frozenset(required), slots, values, list(models))  # fmt: skip
        self.nodes.append(node)
        return node

    def note(self, text: str, title: str = "Read me") -> Node:
        """A note, as high as its text; a line that begins with four spaces goes on with the one before."""
        text = text.strip().replace("\n    ", " ")
        lines = sum(max(1, math.ceil(len(line) / 38)) for line in text.split("\n"))
        node = Node(len(self.nodes) + 1, "MarkdownNote", title, (NOTE_WIDTH, 100 + 20 * lines), {}, values=[text])
        self.nodes.append(node)
        return node

    def group(self, title: str, *columns: list[Node]) -> None:
        """Place nodes in columns under a title, to the right of the last group."""
        x, bottom = self._x + MARGIN, 0
        for column in columns:
            y = self._y + HEADING + TITLE
            for node in column:
                node.at = (x, y)
                y += node.size[1] + TITLE + GAP
            x += max(node.size[0] for node in column) + GAP
            bottom = max(bottom, y - TITLE - GAP + MARGIN)
        width, height = x - GAP + MARGIN - self._x, bottom - self._y
        self.groups.append(
            {
                "id": len(self.groups) + 1,
                "title": title,
                "bounding": [self._x, self._y, width, height],
                "color": "#3f789e",
                "font_size": 24,
                "flags": {},
            }
        )
        self._x += width + GAP
        self._bottom = max(self._bottom, bottom)

    def row(self) -> None:
        """The next groups lie below what is there."""
        self._x, self._y = 0, self._bottom + GAP

    def as_file(self) -> dict:
        """The workflow as the editor saves it."""
        links, arriving, leaving = [], {}, {}
        for node in self.nodes:
            for slot, (name, kind) in enumerate(node.slots.items()):
                origin = node.inputs.get(name)
                if origin is None:
                    continue
                links.append([len(links) + 1, origin.node, origin.index, node.id, slot, kind])
                arriving[node.id, name] = len(links)
                leaving.setdefault((origin.node, origin.index), []).append(len(links))
        return {
            "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"https://gooddrag.github.io/{self.name}")),
            "revision": 0,
            "last_node_id": len(self.nodes),
            "last_link_id": len(links),
            "nodes": [self._node(node, order, arriving, leaving) for order, node in enumerate(self.nodes)],
            "links": links,
            "groups": self.groups,
            "config": {},
            "extra": {"ds": {"scale": 0.75, "offset": [110, 90]}},
            "version": 0.4,
        }

    def _node(self, node: Node, order: int, arriving: dict, leaving: dict) -> dict:
        properties = {} if node.type == "MarkdownNote" else {"Node name for S&R": node.type}
        if node.models:
            properties["models"] = node.models
        saved = {
            "id": node.id,
            "type": node.type,
            "pos": list(node.at),
            "size": list(node.size),
            "flags": {},
            "order": order,
            "mode": 0,
            "inputs": [
                {"name": name, "type": kind, "link": arriving.get((node.id, name))}
                | ({"shape": 7} if name in node.optional else {})
                for name, kind in node.slots.items()
            ],
            "outputs": [
                {"name": name, "type": out.type, "links": leaving.get((node.id, out.index))}
                for name, out in node.outputs.items()
            ],
            "properties": properties,
            "widgets_values": node.values,
            "title": node.title,
        }
        return saved | ({"color": "#432", "bgcolor": "#000"} if node.type == "MarkdownNote" else {})


def _first(spec: list):
    """The first choice of a list of choices."""
    return next(iter(choices(spec)), "")
