"""Many pictures through the API: what docs/batch.md shows, run."""

import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest import ROOT, stock
from PIL import Image

from devtools import workflow
from devtools.server import copy_input
from gooddrag.demo.drags import drag


def block(language: str) -> str:
    """The only block of docs/batch.md in a language."""
    (code,) = re.findall(rf"^```{language}\n(.*?)^```", (ROOT / "docs" / "batch.md").read_text("utf-8"), re.M | re.S)
    return code


SHORT = {
    "GoodDrag_LoRATune": {"steps": 2, "batch_size": 1},
    "GoodDrag_Invert": {"steps": 8},
    "GoodDrag_Sampler": {"operations": 4, "operations_per_step": 2},
}


@pytest.fixture
def exported(quickstart):
    """A workflow in API format in which Load Image feeds Points; the model is the demo model, and the drag is a short one."""
    quickstart.pop(workflow.find(quickstart, "GoodDrag_DemoTruth"))
    kept, scene = {}, workflow.find(quickstart, "GoodDrag_DemoModel")
    for key, node in quickstart.items():
        if node["class_type"] == "PreviewImage":
            continue
        inputs = {k: ["photo", 0] if v == [scene, 3] else v for k, v in node["inputs"].items()}
        if node["class_type"] == "GoodDrag_Points":
            inputs = {"image": inputs["image"], "points": ""}
        kept[key] = {**node, "inputs": inputs | SHORT.get(node["class_type"], {})}
    return {**kept, "photo": stock("LoadImage", image="")}


def case(folder, kind, seed, *, mask=False):
    """A folder as those of Drag100."""
    scene, folder = drag(kind, seed), folder / f"{kind}-{seed}"
    folder.mkdir()
    Image.fromarray(scene.picture(0)).save(folder / "original.png")
    ends = [list(map(int, p)) for pair in zip(scene.points.handles, scene.points.targets) for p in pair]
    (folder / "points.json").write_text(json.dumps({"points": ends}))
    if mask:
        Image.fromarray(np.uint8(scene.mask) * 255).save(folder / "mask.png")
    return folder, scene


def test_a_folder_is_dragged_and_what_fails_is_said(server, exported, tmp_path):
    (tmp_path / "batch.py").write_text(block("python"))
    (tmp_path / "workflow_api.json").write_text(json.dumps(exported))
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    masked, scene = case(pictures, "arm", 1003, mask=True)
    free, _ = case(pictures, "sun", 1007)
    outside, _ = case(pictures, "hat", 1000)
    (outside / "points.json").write_text(json.dumps({"points": [[900, 10], [20, 20]]}))
    wrong = {"none": stock("EmptyImage", width=-7, height=64, batch_size=1, color=0)}
    other = exported | wrong | {"saved": stock("SaveImage", images=["none", 0], filename_prefix="x")}
    (tmp_path / "broken.json").write_text(json.dumps(other))
    command = [sys.executable, "batch.py", server.url, "broken.json", "pictures"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert len(said) == 3
    assert all("Value -7 smaller than min" in line for line in said)
    command = [sys.executable, "batch.py", server.url, "workflow_api.json", "pictures"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said[0] == "arm-1003: done"
    assert said[1].startswith("hat-1000: ")
    assert "handle 1 at (900, 10)" in said[1]
    assert said[2] == "sun-1007: done"
    assert not (outside / "dragged.png").exists()
    before = scene.picture(0).astype(int)
    after = np.asarray(Image.open(masked / "dragged.png")).astype(int)
    assert np.abs(after - before)[~scene.mask].max() <= 1
    assert np.abs(after - before)[scene.mask].mean() > 1
    assert Image.open(free / "dragged.png").size == (256, 256)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_drags_one_picture(server, exported, tmp_path):
    folder, _ = case(tmp_path, "arm", 1003)
    exported["photo"]["inputs"]["image"] = "original.png"
    exported[workflow.find(exported, "GoodDrag_Points")]["inputs"]["points"] = (folder / "points.json").read_text()
    (folder / "prompt.json").write_text(json.dumps({"prompt": exported}))
    copy_input(folder / "original.png")  # so that the upload finds the same file, and keeps its name
    environment = {**os.environ, "SERVER": server.url}
    subprocess.run(["bash", "-ec", block("bash")], cwd=folder, env=environment, check=True, timeout=300)
    assert Image.open(folder / "dragged.png").size == (256, 256)
