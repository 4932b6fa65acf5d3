"""A real server with narrow random checkpoints of the true layout, behind ComfyUI's own loaders."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from devtools import environment, workflow
from devtools.server import Server, clean_environment, copy_input

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "example_workflows"
PICTURE = "gooddrag_narrow.png"
SHORT = {
    "GoodDrag_LoRATune": {"steps": 1, "batch_size": 1},
    "GoodDrag_Invert": {"steps": 8},
    "GoodDrag_Sampler": {"operations": 2, "operations_per_step": 1, "gradient_steps": 1},
    "KSampler": {"steps": 3},
    "LoadImage": {"image": PICTURE},
    "ImageScaleToTotalPixels": {"megapixels": 0.01},
    "GoodDrag_Points": {"points": json.dumps([[[40, 60], [60, 64]]])},
}


@contextmanager
def narrow_server(folder: Path) -> Iterator[Server]:
    """A server that knows narrow families of checkpoints, and has a narrow file under every name that the workflows ask for."""
    if not environment.PYTHON.exists() or not environment.comfyui_dir().is_dir():
        pytest.skip("no ComfyUI is set up; python3 dev.py test workflows sets it up")
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
    Image.fromarray(picture).resize((128, 96)).save(folder / PICTURE)
    copy_input(folder / PICTURE)
    with Server(arguments=("--extra-model-paths-config", str(paths))) as server:
        yield server


def shorten(prompt: dict) -> None:
    for node in prompt.values():
        node["inputs"].update(SHORT.get(node["class_type"], {}))


def _stock(class_type: str, **inputs) -> dict:
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": class_type}}


def refined(object_info: dict) -> dict:
    """The SDXL workflow, shortened, and a KSampler that refines what the drag changed."""
    prompt = workflow.to_prompt(workflow.load(EXAMPLES / "gooddrag_sdxl.json"), object_info)
    shorten(prompt)
    tune, sampler, loader, words = (
        workflow.find(prompt, kind)
        for kind in ("GoodDrag_LoRATune", "GoodDrag_Sampler", "CheckpointLoaderSimple", "CLIPTextEncode")
    )
    prompt["refined"] = _stock(
        "KSampler", model=[tune, 0], latent_image=[sampler, 0], positive=[words, 0], negative=[words, 0], steps=3, denoise=0.4,
        seed=0, cfg=1.0, sampler_name="euler", scheduler="normal",
    )  # fmt: skip
    prompt["decoded"] = _stock("VAEDecode", vae=[loader, 2], samples=["refined", 0])
    prompt["seen"] = _stock("PreviewImage", images=["decoded", 0])
    return prompt
