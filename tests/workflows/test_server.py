"""What a user does, through the server: run, change points, cancel, run again, and make mistakes."""

import hashlib
import io
import json
import threading
import time
import urllib.error
import urllib.parse

import numpy as np
import pytest
from conftest import EXAMPLES, STEPS, executed, stock
from PIL import Image

from devtools import environment, workflow
from devtools.server import ServerError, WebSocket, failure


def run(server, prompt):
    """The history entry and the types of the nodes that ran."""
    messages = []
    entry = server.run(prompt, lambda kind, data: messages.append((kind, data)))
    return entry, executed(prompt, messages)


def picture(server, prompt, entry, title="After"):
    (key,) = [k for k, node in prompt.items() if node["_meta"]["title"] == title]
    return np.asarray(Image.open(io.BytesIO(server.image(entry["outputs"][key]["images"][0]))).convert("RGB"))


def test_examples_are_offered_as_templates(server):
    offered = server.get("/workflow_templates")
    assert sorted(offered["ComfyUI-GoodDrag"]) == sorted(p.stem for p in EXAMPLES.glob("*.json"))
    for file in EXAMPLES.glob("*.json"):
        image = Image.open(file.with_suffix(".jpg"))
        assert min(image.size) >= 256


def test_help_pages_are_served(server, object_info):
    for node_id in [name for name in object_info if name.startswith("GoodDrag_")]:
        assert server.request(f"/extensions/ComfyUI-GoodDrag/docs/{node_id}.md").startswith(b"# GoodDrag")


def test_every_example_is_a_valid_prompt(object_info):
    for file in EXAMPLES.glob("*.json"):
        prompt = workflow.to_prompt(workflow.load(file), object_info)
        for key, node in prompt.items():
            specs = object_info[node["class_type"]]["input"]
            assert set(specs.get("required", {})) <= set(node["inputs"]), (file.name, key)
        notes = [n for n in workflow.load(file)["nodes"] if n["type"] == "MarkdownNote"]
        assert notes, f"{file.name} has no note that explains it"


def test_comfyui_can_offer_the_checkpoint_of_the_example_for_download():
    nodes = workflow.load(EXAMPLES / "gooddrag_sd15.json")["nodes"]
    (loader,) = [n for n in nodes if n["type"] == "CheckpointLoaderSimple"]
    (model,) = loader["properties"]["models"]
    assert model["name"] == loader["widgets_values"][0]
    assert model["url"].startswith("https://huggingface.co/")
    assert model["url"].endswith("/" + model["name"])
    assert model["directory"] == "checkpoints"


def test_quickstart_runs_and_changes_the_picture_inside_the_mask_only(server, quickstart, forget):
    forget()  # another file's tests may have run it in this server
    quickstart["80"] = stock("PreviewImage", images=[workflow.find(quickstart, "GoodDrag_DemoModel"), 3])
    quickstart["80"]["_meta"]["title"] = "Before"
    entry, ran = run(server, quickstart)
    assert {f"GoodDrag_{k}" for k in ("DemoModel", "Points", "LoRATune", "Invert", "Sampler", "Decode")} <= set(ran)
    before, after = (picture(server, quickstart, entry, title) for title in ("Before", "After"))
    assert before.shape == after.shape == (256, 256, 3)
    changed = np.abs(before.astype(int) - after.astype(int)).max(axis=2)
    assert changed.max() > 20
    assert (changed == 0).mean() > 0.2


def test_changing_the_points_runs_only_what_depends_on_them(server, quickstart, node):
    node("Points")["points"] = json.dumps([[[100, 100], [120, 100]]])
    run(server, quickstart)
    node("Points")["points"] = json.dumps([[[100, 100], [130, 105]]])
    _, ran = run(server, quickstart)
    assert not {"GoodDrag_DemoModel", "GoodDrag_LoRATune", "GoodDrag_Invert"} & set(ran)
    assert {"GoodDrag_Points", "GoodDrag_Sampler", "GoodDrag_Decode"} <= set(ran)
    _, ran = run(server, quickstart)
    assert not any(name.startswith("GoodDrag") for name in ran)


def test_same_prompt_twice_is_the_same_picture_bit_for_bit(server, quickstart, forget):
    hashes = []
    for _ in range(2):
        forget()
        entry, ran = run(server, quickstart)
        assert "GoodDrag_LoRATune" in ran
        hashes.append(hashlib.sha256(picture(server, quickstart, entry).tobytes()).hexdigest())
    assert hashes[0] == hashes[1]


@pytest.mark.parametrize(
    "kind", [*(pytest.param(k, marks=pytest.mark.long) for k in ("LoRATune", "Invert")), "Sampler"]
)
def test_cancelling_returns_within_one_step_and_the_next_prompt_works(server, quickstart, node, forget, kind):
    forget()
    node("LoRATune")["steps"] = 500 if kind == "LoRATune" else 2
    node("Invert")["steps"] = 1000 if kind == "Invert" else STEPS
    node("Sampler").update(operations=1000 if kind == "Sampler" else 4, patience=1000)
    ours = workflow.find(quickstart, f"GoodDrag_{kind}")
    steps, interrupted, step_seconds = [], None, []
    with WebSocket(server.port) as messages:
        prompt_id = server.submit(quickstart, messages.client)
        for message, data in messages:
            if message == "progress" and data.get("node") == ours:
                steps.append(time.monotonic())
                if len(steps) == 12:
                    step_seconds = np.diff(steps)
                    interrupted = time.monotonic()
                    threading.Thread(target=server.post, args=("/interrupt", {})).start()
            if message in ("execution_success", "execution_error", "execution_interrupted"):
                assert message == "execution_interrupted", message
                returned = time.monotonic() - interrupted
                break
        else:
            server.check(5)
    entry = server.wait(prompt_id)
    assert failure(entry) == f"interrupted in GoodDrag_{kind}"
    # after the request the step under way may finish, nothing more; the rest is the request itself
    assert returned < 2 * max(step_seconds) + 0.5, (returned, max(step_seconds))
    late = [s for s in steps if s > interrupted + 0.2]
    assert len(late) <= 2
    node("LoRATune")["steps"], node("Invert")["steps"] = 2, STEPS
    node("Sampler").update(operations=2, patience=10)
    assert "GoodDrag_Sampler" in run(server, quickstart)[1]


BAD = [
    ({"Points": {"points": "[[[NaN, 100], [25, 100]]]"}}, "NaN is no number in JSON"),
    ({"Points": {"points": "not json"}}, "the points are not valid JSON"),
]


@pytest.mark.parametrize(("changes", "message"), BAD, ids=[m[:25] for _, m in BAD])
def test_mistakes_are_explained_and_lose_nothing(server, quickstart, node, changes, message):
    run(server, quickstart)
    for kind, values in changes.items():
        node(kind).update(values)
    with pytest.raises(ServerError) as error:
        run(server, quickstart)
    assert message in str(error.value)
    node("Points")["points"] = ""
    _, ran = run(server, quickstart)
    assert "GoodDrag_LoRATune" not in ran


ELSEWHERE = json.dumps({"width": 512, "height": 500, "pairs": [[[10, 20], [30, 40]]]})
STOPS = [
    ("[[[100, 100], [256, 100]]]", "target 1 at (256, 100) lies outside the 256x256 picture"),
    (json.dumps([[[10, 20], [30, 40]]] * 200), "200 pairs were given, at most 64"),
    (ELSEWHERE, "placed on a 512x500 picture, but the picture that arrives is 256x256"),
    ("", "there are no arrows yet"),
]


@pytest.mark.parametrize(("points", "why"), STOPS, ids=[w[:20] for _, w in STOPS])
def test_arrows_that_do_not_fit_stop_what_is_behind_them_and_nothing_else(server, quickstart, node, points, why):
    """The picture goes to the editor; the rest of the graph runs, and the run is no failure."""
    node("Points")["points"] = points
    if not points:
        node("Points").pop("suggestion")
    quickstart["80"] = stock("PreviewImage", images=node("Points")["image"])
    entry, _ = run(server, quickstart)
    key = workflow.find(quickstart, "GoodDrag_Points")
    behind = {"GoodDrag_Points", "GoodDrag_Sampler", "GoodDrag_Decode", "SaveImage", "PreviewImage"}
    assert {quickstart[k]["class_type"] for k in entry["outputs"]} & behind == {"GoodDrag_Points", "PreviewImage"}
    assert entry["outputs"]["80"]["images"]
    outputs = entry["outputs"][key]
    assert why in outputs["text"][0]
    (arrived,) = outputs["gooddrag_points"]
    assert why in arrived["stopped"]
    assert arrived["size"] == [256, 256]
    assert Image.open(io.BytesIO(server.image(arrived["image"]))).size == (256, 256)
    node("Points")["points"] = "[[[100, 100], [130, 100]]]"
    assert "GoodDrag_Sampler" in run(server, quickstart)[1]


def test_the_picture_alone_can_be_run(server, quickstart, node):
    """What the editor's button does: only what feeds the node runs, and the picture comes even from the cache."""
    points = workflow.find(quickstart, "GoodDrag_Points")
    quickstart["80"] = stock(
        "ImageScale", image=node("Points")["image"], upscale_method="bilinear", width=128, height=64, crop="disabled"
    )
    node("Points").update(image=["80", 0], points="")
    node("Points").pop("suggestion")
    for _ in range(2):
        answer = server.post("/prompt", {"prompt": quickstart, "partial_execution_targets": [points]})
        entry = server.wait(answer["prompt_id"])
        assert set(entry["outputs"]) == {points}
        assert entry["outputs"][points]["gooddrag_points"][0]["size"] == [128, 64]


def test_pictures_and_stamps_of_files_are_served(server):
    folder = environment.BASE / "input" / "gooddrag sub"
    folder.mkdir(parents=True, exist_ok=True)
    name, paint = "gooddrag sub/a b.png", np.zeros((80, 96, 4), np.uint8)
    paint[..., 0], paint[:40, :, 3] = 200, 255  # red, the lower half transparent
    Image.fromarray(paint).save(folder / "a b.png")

    def ask(route, **query):
        return server.request(f"/gooddrag/{route}?{urllib.parse.urlencode(query)}")

    shown = Image.open(io.BytesIO(ask("picture", node="LoadImage", image=name)))
    assert (shown.mode, shown.size) == ("RGB", (96, 80))
    assert shown.getpixel((10, 70)) == (200, 0, 0)  # Load Image's picture has no transparency
    before = json.loads(ask("stamps", name=f"{name} [input]"))
    Image.new("RGB", (50, 50)).save(folder / "a b.png")
    after = json.loads(ask("stamps", name=f"{name} [input]"))
    assert before != after
    for bad in ("../../user/x.png", "missing.png", "/etc/passwd", "x" * 5000, "gooddrag sub"):
        assert json.loads(ask("stamps", name=bad)) == {bad: None}
        with pytest.raises(urllib.error.HTTPError) as error:
            ask("picture", node="LoadImage", image=bad)
        assert error.value.code == 400
    with pytest.raises(urllib.error.HTTPError):
        ask("picture", node="KSampler", image=name)
    (folder / "words.png").write_text("no picture")
    with pytest.raises(urllib.error.HTTPError) as error:
        ask("picture", node="LoadImage", image="gooddrag sub/words.png")
    assert error.value.code == 400


def test_an_empty_mask_a_small_a_transparent_and_a_double_picture(server, quickstart, node):
    quickstart["80"] = stock("SolidMask", value=0.0, width=256, height=256)
    own = node("Points")["mask"]
    node("Points")["mask"] = ["80", 0]
    run(server, quickstart)
    assert "`mask` is black everywhere" in server.log()
    quickstart["80"] = stock("SolidMask", value=1.0, width=100, height=50)
    run(server, quickstart)
    assert "The mask is 100x50 and was resized to the picture's 256x256" in server.log()
    node("Points")["mask"] = own

    scene = node("LoRATune")["image"]
    quickstart["81"] = stock("EmptyImage", width=20, height=20, batch_size=1, color=0)
    node("LoRATune")["image"] = ["81", 0]
    with pytest.raises(ServerError, match="the picture is 20x20; both sides must be at least 64 pixels"):
        run(server, quickstart)
    quickstart["81"] = stock("RepeatImageBatch", image=scene, amount=2)
    with pytest.raises(ServerError, match="`image` holds 2 pictures; GoodDrag edits one at a time"):
        run(server, quickstart)
    quickstart["82"] = stock("SolidMask", value=0.5, width=256, height=256)
    quickstart["81"] = stock("JoinImageWithAlpha", image=scene, alpha=["82", 0])
    run(server, quickstart)
    assert "The transparency of `image` is ignored" in server.log()


def test_chained_with_stock_nodes(server, quickstart, node):
    """SaveLoRA and LoraModelLoader take the LoRA, VAE Decode and KSampler the latent, an upscaler the picture."""
    tune, sampler = (workflow.find(quickstart, f"GoodDrag_{k}") for k in ("LoRATune", "Sampler"))
    decode, demo = (workflow.find(quickstart, f"GoodDrag_{k}") for k in ("Decode", "DemoModel"))
    quickstart.update(
        {
            "70": stock("SaveLoRA", lora=[tune, 1], prefix="loras/gooddrag_test"),
            "71": stock("LoraModelLoader", model=[demo, 0], lora=[tune, 1], strength_model=1.0, bypass=False),
            "72": stock(
                "KSampler", model=["71", 0], positive=[demo, 2], negative=[demo, 2], latent_image=[sampler, 0], seed=0,
                steps=2, cfg=1.0, sampler_name="euler", scheduler="normal", denoise=0.3,
            ),
            "73": stock("VAEDecode", samples=["72", 0], vae=[demo, 1]),
            "74": stock("PreviewImage", images=["73", 0]),
            "75": stock("ImageScaleBy", image=[decode, 0], upscale_method="lanczos", scale_by=2.0),
            "76": stock("PreviewImage", images=["75", 0]),
        }
    )  # fmt: skip
    entry, ran = run(server, quickstart)
    assert {"SaveLoRA", "LoraModelLoader", "KSampler", "VAEDecode", "ImageScaleBy"} <= set(ran)
    large = Image.open(io.BytesIO(server.image(entry["outputs"]["76"]["images"][0])))
    assert large.size == (512, 512)
