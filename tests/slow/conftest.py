"""Full-size checkpoints with random weights, made once and kept in the work folder."""

import os

import pytest

from devtools import environment
from tests.slow import random_checkpoint


def _checkpoint(family: str):
    if not os.environ.get("COMFYUI_DIR"):
        pytest.skip("no ComfyUI is set up; python3 dev.py test slow sets it up")
    return random_checkpoint.kept(environment.comfyui_dir(), environment.BASE / "models" / "checkpoints", family)


@pytest.fixture(scope="session")
def checkpoint():
    """Stable Diffusion 1.5."""
    return _checkpoint("sd15")


@pytest.fixture(scope="session")
def sdxl_checkpoint():
    return _checkpoint("sdxl")
