"""The editor's own tests, in its own language: ``node --test tests/js``."""

import shutil
import subprocess
from pathlib import Path

import pytest

from devtools import tools

HERE = Path(__file__).parent


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.parametrize("name", [path.name for path in sorted(HERE.glob("*.test.mjs"))])
def test_node_passes(name):
    result = subprocess.run(["node", "--test", str(HERE / name)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


@pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")
@pytest.mark.skipif(not tools.TSC.is_file(), reason=f"{tools.TYPESCRIPT} is not installed; dev.py test editor tries it")
def test_types_hold():
    result = subprocess.run(["node", str(tools.TSC), "--project", str(HERE)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
