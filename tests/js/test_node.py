"""The editor's own tests, in its own language: ``node --test tests/js``."""

import shutil
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.parametrize("name", [path.name for path in sorted(HERE.glob("*.test.mjs"))])
def test_node_passes(name):
    result = subprocess.run(["node", "--test", str(HERE / name)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.skipif(not shutil.which("tsc"), reason="tsc is not installed (npm install --global typescript)")
def test_types_hold():
    result = subprocess.run(["tsc", "--project", str(HERE)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
