"""Node ids, inputs, types and defaults are an interface: they never change by accident."""

import json
from pathlib import Path

import pytest

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

from comfy_api.v0_0_2 import io

COMMITTED = Path(__file__).parent / "schema.json"


def described(node) -> dict:
    schema = node.GET_SCHEMA()
    return {
        "display_name": schema.display_name,
        "category": schema.category,
        "inputs": {
            i.id: {
                "type": i.get_io_type(),
                **({"default": i.default} if getattr(i, "default", None) is not None else {}),
                **({"options": i.options} if isinstance(i, io.Combo.Input) else {}),
                **({"optional": True} if i.optional else {}),
            }
            for i in schema.inputs
        },
        "outputs": [[o.get_io_type(), o.display_name] for o in schema.outputs],
    }


def test_interface_is_the_committed_one(nodes):
    found = {node_id: described(node) for node_id, node in nodes.items()}
    assert found == json.loads(COMMITTED.read_text()), (
        "an id, input, type or default changed; if that is wanted, write it to tests/nodes/schema.json and the CHANGELOG"
    )


def test_every_input_and_node_explains_itself(nodes):
    for node_id, node in nodes.items():
        schema = node.GET_SCHEMA()
        assert schema.description, node_id
        for i in schema.inputs:
            assert i.tooltip or i.id == "points", f"{node_id}.{i.id}"  # the editor explains itself


def test_every_node_has_a_help_page(nodes):
    docs = Path(__file__).parent.parent.parent / "web" / "docs"
    for node_id, node in nodes.items():
        text = (docs / f"{node_id}.md").read_text()
        for i in node.GET_SCHEMA().inputs:
            assert f"`{i.id}`" in text, f"{node_id}.md does not explain {i.id}"
    assert {p.stem for p in docs.glob("*.md")} == set(nodes)


def test_sampler_defaults_are_the_papers(nodes, part):
    config = part("gooddrag.config").DragConfig()
    for i in nodes["GoodDrag_Sampler"].GET_SCHEMA().inputs:
        if i.id in ("background", "window"):
            assert i.default == {"background": "lock", "window": True}[i.id]
        elif hasattr(config, i.id) and getattr(i, "default", None) is not None:
            assert i.default == getattr(config, i.id), i.id


def test_points_is_found_by_the_words_that_people_type(nodes):
    aliases = set(nodes["GoodDrag_Points"].GET_SCHEMA().search_aliases)
    assert {"move part of image", "puppet", "warp", "liquify"} <= aliases
