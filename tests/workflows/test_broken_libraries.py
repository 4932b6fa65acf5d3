"""ComfyUI where diffusers and peft cannot be imported: it starts, the editor works, and the nodes of a model say what is wrong."""

import io
import json
import os

import numpy as np
import pytest
from conftest import EXAMPLES, ROOT
from PIL import Image

from devtools import environment, workflow
from devtools.server import Server, ServerError

ERROR = "raise OSError('libcudart.so.12: cannot open shared object file')\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not environment.PYTHON.exists() or not os.environ.get("COMFYUI_DIR"):
        pytest.skip("no ComfyUI is set up; python3 dev.py test workflows sets it up")
    folder = tmp_path_factory.mktemp("broken")
    for name in ("diffusers", "peft"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(ERROR)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        with Server() as running:
            yield running


@pytest.fixture
def prompt(server):
    object_info = server.get("/object_info")
    return workflow.to_prompt(workflow.load(EXAMPLES / "gooddrag_quickstart.json"), object_info)


def test_every_node_is_there(server):
    expected = {path.stem for path in (ROOT / "web" / "docs").glob("*.md")}
    assert {name for name in server.get("/object_info") if name.startswith("GoodDrag_")} == expected


def test_the_editor_has_all_it_asks_for(server):
    for path in (ROOT / "web").rglob("*js"):
        served = server.request(f"/extensions/ComfyUI-GoodDrag/{path.relative_to(ROOT / 'web').as_posix()}")
        assert served == path.read_bytes()
    assert Image.open(io.BytesIO(server.request("/gooddrag/scene?kind=arm&scene=1"))).size == (256, 256)
    assert server.get("/gooddrag/scene_points?kind=arm&scene=1")


def _only(prompt, *keep):
    """The nodes of these types."""
    kinds = {f"GoodDrag_{kind}" for kind in keep}
    return {key: node for key, node in prompt.items() if node["class_type"] in kinds}


def test_points_and_decode_run(server, prompt):
    demo, points = (workflow.find(prompt, f"GoodDrag_{kind}") for kind in ("DemoModel", "Points"))
    prompt = _only(prompt, "DemoModel", "Points") | {
        "90": _stock("VAEEncode", pixels=[demo, 3], vae=[demo, 1]),
        "91": _stock("GoodDrag_Decode", vae=[demo, 1], latent=["90", 0], feather=0),
        "92": _stock("PreviewImage", images=["91", 0]),
        "93": _stock("PreviewImage", images=[points, 2]),
    }
    prompt[points]["inputs"]["points"] = json.dumps([[[100, 100], [120, 100]]])
    outputs = server.run(prompt)["outputs"]
    decoded, overlay = (
        np.asarray(Image.open(io.BytesIO(server.image(outputs[key]["images"][0])))) for key in ("92", "93")
    )
    assert decoded.shape == overlay.shape == (256, 256, 3)
    assert decoded.std() > 20


@pytest.mark.parametrize("kind", ["LoRATune", "Invert"])
def test_nodes_of_a_model_say_what_is_missing(server, prompt, kind):
    demo, ours = (workflow.find(prompt, f"GoodDrag_{name}") for name in ("DemoModel", kind))
    prompt[ours]["inputs"]["model"] = [demo, 0]
    last = {
        "LoRATune": _stock("SaveLoRA", lora=[ours, 1], prefix="loras/gooddrag_broken"),
        "Invert": _stock("PreviewImage", images=["90", 0]),
    }
    prompt = _only(prompt, "DemoModel", kind) | {"91": last[kind]}
    if kind == "Invert":
        prompt["90"] = _stock("VAEDecode", samples=[ours, 1], vae=[demo, 1])
    for _ in range(2):
        with pytest.raises(ServerError) as error:
            server.run(prompt)
        said = str(error.value)
        assert said.startswith(f"GoodDrag_{kind}: diffusers ")
        assert "cannot be imported (OSError: libcudart.so.12: cannot open shared object file)" in said
        assert "Points, masks and decoding work without it" in said
        assert f'"{environment.PYTHON}" -m pip install --upgrade "diffusers>=' in said


def _stock(class_type, **inputs):
    return {"class_type": class_type, "inputs": inputs, "_meta": {"title": class_type}}
