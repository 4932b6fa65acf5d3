"""The example workflows for checkpoints, run by stock loaders on narrow random files of the true layout."""

import pytest
from conftest import EXAMPLES

from devtools import workflow
from devtools.templates.catalogue import TEMPLATES
from tests.workflows.narrow_files import SDXL_V
from tests.workflows.narrow_server import narrow_server, refined, shorten


def needs_files(name: str) -> bool:
    return any(node["properties"].get("models") for node in workflow.load(EXAMPLES / f"{name}.json")["nodes"])


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    with narrow_server(tmp_path_factory.mktemp("narrow")) as server:
        yield server


LONG = ("own_lora", "batch", "large", "model_upscale", "controlnet_refine")
"""Left to the tier slow."""


def named(name: str):
    return pytest.param(name, marks=pytest.mark.long if name.removeprefix("gooddrag_") in LONG else ())


@pytest.mark.parametrize("name", [named(name) for name in TEMPLATES if needs_files(name)])
def test_runs_on_a_checkpoint(narrow, name):
    prompt = workflow.to_prompt(workflow.load(EXAMPLES / f"{name}.json"), narrow.get("/object_info"))
    shorten(prompt)
    entry = narrow.run(prompt)
    assert any(node["class_type"] == "SaveImage" for node in prompt.values())
    for key, node in prompt.items():
        if node["class_type"] in ("SaveImage", "PreviewImage"):
            assert entry["outputs"][key]["images"], node["_meta"]["title"]


@pytest.mark.long
def test_sdxl_of_either_prediction_runs_from_the_lora_to_a_refinement(narrow):
    offered = narrow.get("/object_info")
    seen = []
    for name in (None, SDXL_V):
        prompt = refined(offered)
        if name:
            prompt[workflow.find(prompt, "CheckpointLoaderSimple")]["inputs"]["ckpt_name"] = name
        (image,) = narrow.run(prompt)["outputs"]["seen"]["images"]
        seen.append(narrow.image(image))
    assert seen[0] != seen[1]
    assert "model_type V_PREDICTION" in narrow.log()
