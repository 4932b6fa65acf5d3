"""A full-size SD1.5 checkpoint with random weights, made once and kept in the work folder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devtools import environment

NAME = "random_sd15.safetensors"


@pytest.fixture(scope="session")
def checkpoint():
    if not os.environ.get("COMFYUI_DIR"):
        pytest.skip("no ComfyUI is set up; python3 dev.py test slow sets it up")
    file = environment.BASE / "models" / "checkpoints" / NAME
    if not file.exists():
        script = Path(__file__).parent / "random_checkpoint.py"
        part = file.with_suffix(".part.safetensors")
        subprocess.run([sys.executable, str(script), os.environ["COMFYUI_DIR"], str(part)], check=True)
        part.rename(file)
    return file
