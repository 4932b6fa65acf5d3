"""The example workflows for checkpoints, run by stock loaders on narrow random files of the true layout."""

import json
import subprocess

import numpy as np
import pytest
from conftest import EXAMPLES, ROOT, executed
from PIL import Image

from devtools import environment, workflow
from devtools.server import Server, clean_environment
from devtools.templates.catalogue import TEMPLATES

SHORT = {
    "GoodDrag_LoRATune": {"steps": 1, "batch_size": 1},
    "GoodDrag_Invert": {"steps": 8},
    "GoodDrag_Sampler": {"operations": 2, "operations_per_step": 1, "gradient_steps": 1},
    "KSampler": {"steps": 3},
    "LoadImage": {"image": "gooddrag_narrow.png"},
    "ImageScaleToTotalPixels": {"megapixels": 0.01},
    "GoodDrag_Points": {"points": json.dumps([[[40, 60], [60, 64]]])},
}


def needs_files(name: str) -> bool:
    return any(node["properties"].get("models") for node in workflow.load(EXAMPLES / f"{name}.json")["nodes"])


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    """A server that knows narrow families of checkpoints, and has a narrow file under every name that the workflows ask for."""
    if not environment.PYTHON.exists() or not environment.comfyui_dir().is_dir():
        pytest.skip("no ComfyUI is set up; python3 dev.py test workflows sets it up")
    folder = tmp_path_factory.mktemp("narrow")
    command = [
        str(environment.PYTHON),
        "-m",
        "tests.workflows.narrow_files",
        str(environment.comfyui_dir()),
        str(folder),
    ]
    subprocess.run(command, cwd=ROOT, env=clean_environment(), check=True)
    places = {name: str(folder / name) for name in ("checkpoints", "controlnet", "loras", "upscale_models")}
    places["custom_nodes"] = str(ROOT / "tests" / "workflows" / "narrow_nodes")
    paths = folder / "paths.yaml"
    paths.write_text(json.dumps({"narrow": places}))
    picture = np.random.default_rng(0).integers(0, 255, (16, 16, 3), np.uint8)
    Image.fromarray(picture).resize((128, 96)).save(environment.BASE / "input" / "gooddrag_narrow.png")
    with Server(arguments=("--extra-model-paths-config", str(paths))) as server:
        yield server


@pytest.mark.parametrize("name", [name for name in TEMPLATES if needs_files(name)])
def test_runs_on_a_checkpoint(narrow, name):
    prompt = workflow.to_prompt(workflow.load(EXAMPLES / f"{name}.json"), narrow.get("/object_info"))
    for node in prompt.values():
        node["inputs"].update(SHORT.get(node["class_type"], {}))
    messages = []
    entry = narrow.run(prompt, lambda kind, data: messages.append((kind, data)))
    assert set(executed(prompt, messages)) >= {"GoodDrag_Sampler", "GoodDrag_Decode"}
    for key, node in prompt.items():
        if node["class_type"] in ("SaveImage", "PreviewImage"):
            assert entry["outputs"][key]["images"], node["_meta"]["title"]
