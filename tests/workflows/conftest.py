"""One real ComfyUI server for all workflow tests."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from devtools import environment, workflow
from devtools.server import Server

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "example_workflows"


STEPS = 16
"""Of the inversion: 12 are taken."""


@pytest.fixture(scope="session")
def server():
    if not environment.PYTHON.exists() or not os.environ.get("COMFYUI_DIR"):
        pytest.skip("no ComfyUI is set up; python3 dev.py test workflows sets it up")
    with Server() as running:
        yield running


@pytest.fixture(scope="session")
def object_info(server):
    return server.get("/object_info")


@pytest.fixture
def quickstart(object_info):
    """The quickstart workflow as a prompt, shortened."""
    prompt = workflow.to_prompt(workflow.load(EXAMPLES / "gooddrag_quickstart.json"), object_info)
    prompt[workflow.find(prompt, "GoodDrag_LoRATune")]["inputs"].update(steps=2, batch_size=1)
    prompt[workflow.find(prompt, "GoodDrag_Invert")]["inputs"]["steps"] = STEPS
    prompt[workflow.find(prompt, "GoodDrag_Sampler")]["inputs"].update(operations=4, operations_per_step=2)
    return prompt


@pytest.fixture
def node(quickstart):
    """The inputs of a node of the quickstart prompt, by type."""
    return lambda kind: quickstart[workflow.find(quickstart, f"GoodDrag_{kind}")]["inputs"]


@pytest.fixture
def forget(server):
    """Empty ComfyUI's caches."""
    return server.forget


def executed(prompt: dict, messages: list) -> list[str]:
    """The types of the nodes that ran."""
    return [prompt[data["node"]]["class_type"] for kind, data in messages if kind == "executing" and data.get("node")]


def stock(class_type: str, **inputs) -> dict:
    """A node of a prompt."""
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": class_type}}


def git_files() -> list[str]:
    return subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines()


__all__ = ["EXAMPLES", "ROOT", "executed", "git_files", "json", "stock"]
