"""The versions that are asked for are the same wherever they are written, and are those that the docs say were tried."""

import re
import sys
from pathlib import Path

import pytest

from devtools import environment
from gooddrag.libraries import NEEDED

ROOT = Path(__file__).parent.parent.parent
WANTED = dict(line.split(">=") for line in (ROOT / "requirements.txt").read_text().split())


def _project() -> dict:
    if sys.version_info < (3, 11):
        pytest.skip("tomllib came with Python 3.11")
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


@pytest.mark.parametrize("name", WANTED)
def test_a_library_has_one_floor(name):
    floor = f"{name}>={WANTED[name]}"
    assert floor in _project()["project"]["dependencies"]
    assert NEEDED[name] == floor
    assert floor.replace(">=", " >= ") in (ROOT / "README.md").read_text()
    assert f"| {name} | {WANTED[name]} or newer |" in (ROOT / "docs" / "compatibility.md").read_text()


def test_what_dev_installs_satisfies_the_floors():
    pinned = dict(package.split("==") for package in environment.ENGINE_PACKAGES)
    assert pinned.keys() == WANTED.keys()
    for name, version in pinned.items():
        assert _numbers(version) >= _numbers(WANTED[name])
        tried = (ROOT / "docs" / "compatibility.md").read_text()
        assert re.search(rf"\| {name} \|.*\b{re.escape(version)}\b", tried)


def test_comfyui_has_one_floor():
    floor = _project()["tool"]["comfy"]["requires-comfyui"].removeprefix(">=")
    for path in ("README.md", "docs/compatibility.md"):
        assert f"{floor} or newer" in (ROOT / path).read_text()


def test_python_has_one_floor():
    floor = _project()["project"]["requires-python"].removeprefix(">=")
    for path in ("README.md", "docs/compatibility.md", "dev.py"):
        assert f"{floor} or newer" in (ROOT / path).read_text()
