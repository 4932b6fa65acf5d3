"""A full-size SD1.5 checkpoint with random weights, made once and kept in the work folder."""

import os

import pytest

from devtools import environment
from tests.slow import random_checkpoint


@pytest.fixture(scope="session")
def checkpoint():
    if not os.environ.get("COMFYUI_DIR"):
        pytest.skip("no ComfyUI is set up; python3 dev.py test slow sets it up")
    return random_checkpoint.kept(environment.comfyui_dir(), environment.BASE / "models" / "checkpoints")
