"""Workflow files as the editor saves them, turned into prompts as the server takes them."""

from __future__ import annotations

import json
from pathlib import Path

NOTES = ("Note", "MarkdownNote")
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
EDITOR_ALONE = {"control_after_generate": "fixed", "image_upload": "image"}
"""Options of an input that give it a second widget, which belongs to the editor alone, and that widget's value."""


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def is_widget(spec: list) -> bool:
    kind, options = spec[0], spec[1] if len(spec) > 1 else {}
    return (isinstance(kind, list) or kind in WIDGETS or "widgetType" in options) and not options.get("forceInput")


def to_prompt(workflow: dict, object_info: dict) -> dict:
    """The prompt of a workflow without subgraphs; ``object_info`` is the server's. Raises ``ValueError`` for a node that
    the server does not know or whose widget values do not match its inputs."""
    links = {link[0]: link for link in workflow["links"]}
    prompt = {}
    for node in workflow["nodes"]:
        if node["type"] in NOTES or node.get("mode") in (2, 4):
            continue
        info = object_info.get(node["type"])
        if info is None:
            raise ValueError(f"node {node['id']} is a {node['type']}, which this server does not know")
        values = list(node.get("widgets_values") or [])
        inputs = {}
        specs = {**info["input"].get("required", {}), **info["input"].get("optional", {})}
        for name, spec in specs.items():
            if not is_widget(spec):
                continue
            options = spec[1] if len(spec) > 1 else {}
            if not values and "default" not in options:
                raise ValueError(f"node {node['id']} ({node['type']}) has no value for {name}")
            inputs[name] = values.pop(0) if values else options["default"]  # as the editor opens an older file
            values[: sum(bool(options.get(option)) for option in EDITOR_ALONE)] = []
        if values:
            raise ValueError(f"node {node['id']} ({node['type']}) has {len(values)} values too many")
        for slot in node.get("inputs", []):
            if slot.get("link") is not None:
                _, origin, output, *_ = links[slot["link"]]
                inputs[slot["name"]] = [str(origin), output]
        prompt[str(node["id"])] = {
            "class_type": node["type"],
            "inputs": inputs,
            "_meta": {"title": node.get("title", "")},
        }
    return prompt


def missing_models(workflow: dict, object_info: dict) -> list[dict]:
    """The files that a workflow's loaders ask for and the server does not have: name, directory and url."""
    missing = []
    for node in workflow["nodes"]:
        specs = object_info.get(node["type"], {}).get("input", {}).get("required", {}).values()
        offered = {choice for spec in specs for choice in choices(spec)}
        missing += [model for model in node.get("properties", {}).get("models", []) if model["name"] not in offered]
    return missing


def choices(spec: list) -> list:
    """What an input may be, if it is one of a list."""
    return spec[0] if isinstance(spec[0], list) else (spec[1] if len(spec) > 1 else {}).get("options", [])


def find(prompt: dict, class_type: str) -> str:
    """The id of the only node of a type."""
    (found,) = [key for key, node in prompt.items() if node["class_type"] == class_type]
    return found


def ask_for_overlays(prompt: dict, object_info: dict) -> None:
    """Have the run show what each GoodDrag Points asks for, drawn on its picture."""
    for key, node in list(prompt.items()):
        if node["class_type"] == "GoodDrag_Points":
            output = object_info["GoodDrag_Points"]["output_name"].index("overlay")
            prompt[f"{key} asked"] = {
                "class_type": "PreviewImage",
                "inputs": {"images": [key, output]},
                "_meta": {"title": "asked"},
            }


def pictures(prompt: dict, outputs: dict) -> list[tuple[str, dict]]:
    """Every picture of a run with the name of its file, which is the node's title. What arrived in GoodDrag Points is
    ``before.png``; further pictures of one name are numbered."""
    named, counts = [], {}
    for key, output in outputs.items():
        title = prompt[key]["_meta"]["title"] or prompt[key]["class_type"]
        name = "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
        found = [(name, image) for image in output.get("images", [])]
        found += [("before", arrived["image"]) for arrived in output.get("gooddrag_points", [])]
        for name, image in found:
            counts[name] = counts.get(name, 0) + 1
            named.append((name if counts[name] == 1 else f"{name}-{counts[name]}", image))
    return [(f"{name}.png", image) for name, image in named]
