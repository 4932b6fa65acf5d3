"""`guidance` and `negative`: what ComfyUI's samplers draw with that cfg, and errors in words."""

import pytest

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import narrow
import torch
from test_control import hint
from test_noise import pictures, sampled

import nodes as stock


def conditioning(seed):
    return [[torch.randn(1, 1, 64, generator=torch.Generator().manual_seed(seed)), {}]]


def drawn(run, demo, positive, **how):
    """Undragged, by the engine, and the noise for others."""
    given = {"model": demo["model"], "vae": demo["vae"], "image": demo["image"]}
    inversion, noise = run("GoodDrag_Invert", **given, positive=positive, steps=10, **how)
    latent, *_ = run("GoodDrag_Sampler", model=demo["model"], inversion=inversion, points=demo["points"], operations=0)
    return latent, noise


def by_stock(demo, positive, negative, noise, cfg):
    with torch.inference_mode():
        return stock.KSamplerAdvanced().sample(
            demo["model"],
            "disable",
            0,
            10,
            cfg,
            "euler",
            "ddim_uniform",
            positive,
            negative,
            noise,
            2,
            10000,
            "disable",
        )[0]


def test_ksampler_with_that_cfg_draws_what_the_engine_draws(run, demo):
    positive, negative = conditioning(1), conditioning(2)
    latent, noise = drawn(run, demo, positive, guidance=3.0, negative=negative)
    theirs = by_stock(demo, positive, negative, noise, 3.0)
    ours, theirs, plain = pictures(demo["vae"], latent, theirs, sampled(demo["model"], positive, noise, 10, 2))
    # the engine's last step goes to the smallest sigma of the schedule, ComfyUI's to 0
    assert (ours - theirs).abs().mean() < 1.5
    assert (theirs - plain).abs().mean() > 3


def test_the_old_apply_controlnet_acts_on_the_negative_too(part, monkeypatch, tmp_path):
    """As in ComfyUI, whose new one puts the ControlNet on both itself."""
    model = narrow.load(monkeypatch, tmp_path / "model.safetensors", "SD15")
    positive, net, z, size = (
        narrow.conditioning("SD15"),
        narrow.controlnet("SD15"),
        torch.randn(1, 4, 16, 24),
        (192, 128),
    )

    def control(positive, negative):
        guided = part("nodes.conditioning").guidance(model, 3.0, positive, negative, z, size)
        return part("gooddrag.network.conditioning").Conditioning.of(guided.negative).control

    with torch.inference_mode():
        old = stock.ControlNetApply().apply_controlnet(positive, net, hint(), 0.8)[0]
        new = stock.ControlNetApplyAdvanced().apply_controlnet(positive, positive, net, hint(), 0.8, 0, 1)
        assert control(old, positive) is not None
        assert control(*new) is not None
        assert control(new[0], positive) is None


def test_a_scale_without_a_negative_is_an_error_and_a_negative_without_a_scale_is_said(execute, demo):
    inputs = {name: demo[name] for name in ("model", "vae", "image", "positive")}
    with pytest.raises(ValueError, match="`guidance` is 3 and `negative` is not connected; connect a CLIPTextEncode"):
        execute("GoodDrag_Invert", **inputs, steps=4, guidance=3.0)
    _, said = execute("GoodDrag_Invert", **inputs, steps=4, negative=demo["positive"])
    assert any("`negative` does nothing while `guidance` is 1" in sentence for sentence in said)
