"""A server that can be made to fail, and a short edit in it."""

import json
import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from devtools import environment, workflow
from devtools.server import Server

ROOT = Path(__file__).parent.parent.parent
QUICKSTART = ROOT / "example_workflows" / "gooddrag_quickstart.json"
SHORT = {
    "GoodDrag_LoRATune": {"preset": "custom", "steps": 2, "batch_size": 1},
    "GoodDrag_Invert": {"preset": "custom", "steps": 10, "strength": 0.5},
    "GoodDrag_Sampler": {"preset": "custom", "operations": 4, "operations_per_step": 2, "gradient_steps": 2},
}
KEPT = f"gooddrag-faults-{os.environ.get('PYTEST_XDIST_WORKER', '')}/kept"
"""Each of several servers has its own."""


@contextmanager
def breakable(folder: Path):
    """A server with the nodes that break it."""
    if not environment.PYTHON.exists() or not os.environ.get("COMFYUI_DIR"):
        pytest.skip("no ComfyUI is set up; python3 dev.py test faults sets it up")
    paths = folder / "paths.yaml"
    paths.write_text(json.dumps({"faults": {"custom_nodes": str(Path(__file__).parent / "fault_nodes")}}))
    with Server(arguments=("--extra-model-paths-config", str(paths))) as server:
        yield server


def short_prompt(server) -> dict:
    """The quickstart, shortened; its LoRA is kept in a file."""
    prompt = workflow.to_prompt(workflow.load(QUICKSTART), server.get("/object_info"))
    for node in prompt.values():
        node["inputs"].update(SHORT.get(node["class_type"], {}))
    prompt[workflow.find(prompt, "GoodDrag_LoRATune")]["inputs"]["file"] = KEPT
    return prompt


def kept_files() -> list[Path]:
    """What lies where the LoRA is kept, parts of files included."""
    folder = (environment.BASE / "models" / "loras" / KEPT).parent
    return sorted(folder.iterdir()) if folder.is_dir() else []
