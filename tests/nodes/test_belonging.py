"""MODEL, inversion, points and state that do not belong together: said, or refused where it cannot be meant."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy.sd
from test_lent import a_lora

SHORT = {"operations": 1, "operations_per_step": 1, "gradient_steps": 1}
OTHER_MODEL = "`model` is not the one that `inversion` was made with"
OTHER_PICTURE = "The points were placed on another picture"


@pytest.fixture
def inversion(run, demo):
    common = {k: demo[k] for k in ("model", "vae", "image", "positive")}
    return run("GoodDrag_Invert", **common, steps=4)[0]


def dragged(run, demo, inversion, **given):
    return run(
        "GoodDrag_Sampler", **{"model": demo["model"], "points": demo["points"], **SHORT, **given}, inversion=inversion
    )


def test_what_belongs_together_is_not_spoken_of(run, demo, inversion, nodes, caplog):
    points = run("GoodDrag_Points", image=demo["image"], suggestion=demo["points"], points="")[0]
    assert points.picture == inversion.picture
    first = dragged(run, demo, inversion, points=points)
    again = run("GoodDrag_DemoModel", kind="arm", scene=1)[0]  # loaded anew, the weights are the same
    dragged(run, demo, inversion, points=points, model=again)
    dragged(run, demo, inversion, points=points, model=again, state=first[2])
    assert OTHER_MODEL not in caplog.text
    assert OTHER_PICTURE not in caplog.text


@pytest.mark.parametrize("load", [comfy.sd.load_lora_for_models, comfy.sd.load_bypass_lora_for_models])
def test_another_model_is_said_and_another_models_state_refused(run, demo, inversion, caplog, load):
    other, _ = load(demo["model"], None, a_lora(demo["model"]), 0.7, 0)
    state = dragged(run, demo, inversion)[2]
    assert OTHER_MODEL not in caplog.text
    changed = dragged(run, demo, inversion, model=other)
    assert OTHER_MODEL in caplog.text
    assert changed[2].source is not state.source
    with pytest.raises(ValueError, match="`state` was dragged with another MODEL .* or disconnect `state`"):
        dragged(run, demo, inversion, model=other, state=state)


def test_a_model_that_cannot_be_meant_is_refused(run, demo, inversion):
    import dataclasses

    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    (v,) = ModelSamplingDiscrete().patch(demo["model"], "v_prediction", False)
    with pytest.raises(ValueError, match="made with a model of epsilon prediction, `model` has v_prediction"):
        dragged(run, demo, inversion, model=v)
    wide = dataclasses.replace(inversion.inversion, text=torch.zeros(1, 77, 768))
    with pytest.raises(ValueError, match="whose prompts have 768 numbers for a token, `model` takes"):
        dragged(run, demo, dataclasses.replace(inversion, inversion=wide))


def test_points_of_another_picture_are_said(run, demo, inversion, caplog):
    points = run("GoodDrag_Points", image=demo["truth"], suggestion=demo["points"], points="")[0]
    dragged(run, demo, inversion, points=points)
    assert OTHER_PICTURE in caplog.text
    assert all(p.picture == points.picture for p in run("GoodDrag_Variants", points=points, count=2)[0])


def test_running_out_of_memory_while_inverting_says_so(run, demo, part, monkeypatch):
    def full(*_a, **_k):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    monkeypatch.setattr(part("gooddrag.network.model").Model, "predict", full)
    common = {k: demo[k] for k in ("model", "vae", "image", "positive")}
    message = r"out of memory while inverting at 256x256 \(tried to allocate 2.00 gib\). Use a smaller picture, or free memory"
    with pytest.raises(part("gooddrag.network.memory").NotEnoughMemory, match=message):
        run("GoodDrag_Invert", **common)


def test_a_lora_of_another_picture_is_said(execute, demo):
    common = {k: demo[k] for k in ("model", "vae", "positive")}
    (tuned, _), _ = execute("GoodDrag_LoRATune", **common, image=demo["image"], steps=1, batch_size=1)
    common |= {"model": tuned, "steps": 2}
    said = [
        execute("GoodDrag_Invert", **common, image=image)[1]
        for image in (demo["image"], demo["truth"], demo["image"][:, :192])
    ]
    assert ["tuned by GoodDrag LoRA Tune on another picture" in " ".join(s) for s in said] == [False, True, False]
