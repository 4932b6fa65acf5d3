"""ControlNets and T2I-Adapters on a CONDITIONING: as ComfyUI's own samplers see them, in inversion and drag."""

import pytest

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy.model_management
import comfy.sd
import narrow
import torch
from test_families import a_lora

from nodes import ControlNetApplyAdvanced

Z = (1, 4, 16, 24)
SIZE = (192, 128)


@pytest.fixture
def load(monkeypatch, tmp_path):
    return lambda name: narrow.load(monkeypatch, tmp_path / "model.safetensors", name)


def hint(seed=1, height=128, width=192):
    return torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(seed))


def applied(positive, control, image=None, strength=0.8, begin=0.0, end=1.0):
    image = hint() if image is None else image
    return ControlNetApplyAdvanced().apply_controlnet(positive, positive, control, image, strength, begin, end)[0]


@pytest.fixture
def compared(part):
    """Ours over ComfyUI's own prediction: the largest difference, relative; and theirs."""
    lent, conditioning, control = part("nodes.lent"), part("nodes.conditioning"), part("nodes.control")

    def compare(model, positive, t=401, shape=Z):
        z = torch.randn(shape, generator=torch.Generator().manual_seed(3))
        theirs = narrow.predicted(model, z, t, positive)
        size = (shape[3] * 8, shape[2] * 8)
        with torch.inference_mode():
            told = conditioning.told(model, positive, z, size=size)
            beside = control.models(told)
            with lent.diffusers_model(model, shape, beside=beside) as borrowed, control.running(told), torch.no_grad():
                ours = borrowed.predict(z.clone(), t, told)
        return ((ours - theirs).abs().max() / theirs.abs().max()).item(), theirs

    return compare


@pytest.mark.parametrize("name", ["SD15", "SD20", "SD21-v", "SDXL", "SDXL-v"])
def test_the_prediction_is_comfyuis(load, compared, name):
    """With a ControlNet at 0.8, with a LoRA too, with a T2I-Adapter, and with both in a chain."""
    model, positive = load(name), narrow.conditioning(name)
    _, plain = compared(model, positive)
    controlled = applied(positive, narrow.controlnet(name))
    error, theirs = compared(model, controlled)
    assert error < 1e-4
    assert (theirs - plain).abs().max() > 1e-2
    adapted, _ = comfy.sd.load_lora_for_models(model, None, a_lora(model), 0.7, 0)
    both, of_both = compared(adapted, controlled)
    assert both < 1e-4
    assert (of_both - theirs).abs().max() > 1e-2
    t2i, of_t2i = compared(model, applied(positive, narrow.adapter(name)))
    assert t2i < 1e-4
    assert compared(model, applied(positive, narrow.adapter(name)), shape=(2, *Z[1:]))[0] < 1e-4  # as variants are
    assert (of_t2i - plain).abs().max() > 1e-2
    chain, _ = compared(model, applied(controlled, narrow.adapter(name), hint(2)))
    assert chain < 1e-4
    print(f"{name}: ControlNet {error:.1e}, with a LoRA {both:.1e}, T2I-Adapter {t2i:.1e}, chain {chain:.1e}")


def test_the_range_is_comfyuis(load, compared):
    """Also at its edges: t = 401 lies at 0.6 of the way."""
    model, positive, net = load("SD15"), narrow.conditioning("SD15"), narrow.controlnet("SD15")
    _, plain = compared(model, positive)
    for begin, end, acts in ((0.0, 0.5, False), (0.5, 1.0, True), (0.7, 1.0, False), (0.0, 0.65, True)):
        error, theirs = compared(model, applied(positive, net, begin=begin, end=end))
        assert error < 1e-4
        assert torch.equal(theirs, plain) is not acts


def test_a_control_of_another_family_is_named(load, run, demo):
    """One whose first layer has other widths, as SD1.5's has on SDXL."""
    model, positive, net = load("SDXL"), narrow.conditioning("SDXL"), narrow.controlnet("SDXL")
    net.control_model.input_blocks[0][0] = torch.nn.Conv2d(4, 48, 3, padding=1)
    with pytest.raises(ValueError, match="the ControlNet or adapter on `positive` does not fit `model`"):
        edit(run, demo, model, applied(positive, net, hint(1, 256, 256)))


def edit(run, demo, model, positive, **sampler):
    """Inversion and a short drag; gives the LATENT's samples, the notices' log is the caller's."""
    given = {"vae": demo["vae"], "image": demo["image"], "positive": positive}
    inversion, _ = run("GoodDrag_Invert", model=model, **given, steps=8, strength=0.75)
    return run(
        "GoodDrag_Sampler", model=model, inversion=inversion, points=demo["points"], mask=demo["mask"], operations=4,
        operations_per_step=2, gradient_steps=1, **sampler,
    )[0]["samples"]  # fmt: skip


@pytest.mark.long
def test_inversion_and_drag_follow_the_hint_and_free_it(load, run, demo, caplog):
    model, positive, net = load("SD15"), narrow.conditioning("SD15"), narrow.controlnet("SD15")
    plain = edit(run, demo, model, positive)
    own = applied(positive, net, hint(1, 256, 256))
    followed = edit(run, demo, model, own)
    assert not torch.allclose(followed, plain, atol=1e-3)
    assert torch.equal(edit(run, demo, model, own), followed)
    for chain in (own[0][1]["control"], net):
        assert chain.cond_hint is None  # nothing is left in ComfyUI's object
        assert chain.timestep_range is None
    assert "not used here" not in caplog.text
    edited = applied(positive, net, hint(2, 256, 256))
    other = edit(run, demo, model, own, edited=edited)
    assert not torch.allclose(other, followed, atol=1e-3)


def test_a_hint_that_holds_the_drag_back_is_said(load, execute, demo):
    model, positive, net = load("SD15"), narrow.conditioning("SD15"), narrow.controlnet("SD15")
    own = applied(positive, net, hint(1, 256, 256))
    given = {"vae": demo["vae"], "image": demo["image"], "positive": own}
    (inversion, _), _ = execute("GoodDrag_Invert", model=model, **given, steps=8, strength=0.75)
    short = {"operations": 1, "operations_per_step": 1, "gradient_steps": 1}
    for edited, said in ((None, True), (positive, False)):
        _, sentences = execute("GoodDrag_Sampler", model=model, inversion=inversion, points=demo["points"],
                               mask=demo["mask"], edited=edited, **short)  # fmt: skip
        assert any("holds the picture to its hint: connect the hint of the result" in s for s in sentences) is said


def test_the_control_is_loaded_with_the_model_and_not_left_beside_it(load, run, demo):
    model, positive, net = load("SD15"), narrow.conditioning("SD15"), narrow.controlnet("SD15")
    edit(run, demo, model, applied(positive, net, hint(1, 256, 256)))
    loaded = [entry.model for entry in comfy.model_management.current_loaded_models]
    assert any(entry is not None and entry.is_clone(net.control_model_wrapped) for entry in loaded)
    comfy.model_management.unload_all_models()  # ComfyUI can take it away again


def test_the_hint_is_padded_as_the_picture_is(part, load):
    """A picture of 190 x 123: the hint is brought to that, then padded by reflection to 192 x 128, not stretched."""
    control, model = part("nodes.control"), load("SD15")
    image = hint(1, 123, 190)
    asked = control.of(
        applied(narrow.conditioning("SD15"), narrow.controlnet("SD15"), image)[0][1], model, (190, 123), "positive"
    )
    padded = asked.chain.cond_hint_original
    assert padded.shape == (1, 3, 128, 192)
    assert torch.equal(padded[..., :123, :190], image.movedim(-1, 1))
    assert torch.equal(padded[..., :123, 190], image.movedim(-1, 1)[..., 188])


def test_tuning_says_that_it_leaves_a_control_away(load, run, demo, caplog):
    model = load("SD15")
    positive = applied(narrow.conditioning("SD15"), narrow.controlnet("SD15"))
    run("GoodDrag_LoRATune", model=model, vae=demo["vae"], image=demo["image"], positive=positive, steps=1, rank=1)
    assert "`positive` carries a ControlNet: not used here" in caplog.text


def test_a_hint_with_nan_is_named(load, run, demo):
    model, bad = load("SD15"), hint(1, 256, 256)
    bad[0, 3, 3] = float("nan")
    positive = applied(narrow.conditioning("SD15"), narrow.controlnet("SD15"), bad)
    with pytest.raises(ValueError, match="the hint of the ControlNet on `positive`"):
        edit(run, demo, model, positive)


@pytest.mark.parametrize("shape", [(0, 3, 64, 64), (3, 64, 64)])
def test_a_hint_that_is_no_picture_is_named(load, run, demo, shape):
    model, positive, net = load("SD15"), narrow.conditioning("SD15"), narrow.controlnet("SD15")
    own = applied(positive, net, hint(1, 256, 256))
    own[0][1]["control"].cond_hint_original = torch.zeros(shape)
    given = {"vae": demo["vae"], "image": demo["image"], "positive": own}
    message = (
        f"the hint of the ControlNet on `positive` is {'x'.join(map(str, shape))}, which is no picture; connect one"
    )
    with pytest.raises(ValueError, match=message):
        run("GoodDrag_Invert", model=model, **given)
