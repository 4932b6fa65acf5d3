"""Workflows of every released version, as they were saved then: they open with the nodes of today, and run."""

import pytest
from conftest import ROOT
from narrow_server import SHORT

from devtools import workflow
from gooddrag import __version__

SAVED = sorted((ROOT / "tests" / "workflows" / "saved").glob("*/*.json"))
RUN = ("quickstart",)
"""Of each version but today's, whose workflows are all run by test_templates."""


def name(path):
    return f"{path.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", SAVED, ids=name)
def test_it_opens(object_info, path):
    """Every node and input is there, and every value is one that the input takes."""
    for node in workflow.to_prompt(workflow.load(path), object_info).values():
        if not node["class_type"].startswith("GoodDrag_"):
            continue
        specs = object_info[node["class_type"]]["input"]
        known = {**specs.get("required", {}), **specs.get("optional", {})}
        assert set(node["inputs"]) <= set(known), node
        assert set(specs.get("required", {})) <= set(node["inputs"]), node
        for key, value in node["inputs"].items():
            if options := workflow.choices(known[key]):
                assert value in options, (node, key)
            limits = known[key][1] if len(known[key]) > 1 else {}
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                assert limits.get("min", value) <= value <= limits.get("max", value), (node, key)


@pytest.mark.parametrize(
    "path", [p for p in SAVED if p.stem.removeprefix("gooddrag_") in RUN and p.parent.name != __version__], ids=name
)
def test_it_runs(server, object_info, path):
    prompt = workflow.to_prompt(workflow.load(path), object_info)
    for node in prompt.values():
        short = {k: v for k, v in SHORT.get(node["class_type"], {}).items() if k != "points"}
        node["inputs"].update({k: v for k, v in short.items() if k in node["inputs"]})
    outputs = server.run(prompt)["outputs"]
    assert any(output.get("images") for output in outputs.values())
