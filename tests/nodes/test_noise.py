"""`noise` in the scale of ComfyUI's samplers: what they draw from it is what the engine draws."""

import re
from pathlib import Path

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

HELP = Path(__file__).parent.parent.parent / "web" / "docs" / "GoodDrag_Invert.md"
ROWS = [
    (int(a), float(b), int(c)) for a, b, c in re.findall(r"^\| (\d+) \| ([\d.]+) \| (\d+) \|$", HELP.read_text(), re.M)
]


def sampled(model, positive, noise, steps, start):
    """By the stock node, as the help page says."""
    import nodes as stock

    with torch.inference_mode():
        return stock.KSamplerAdvanced().sample(
            model, "disable", 0, steps, 1.0, "euler", "ddim_uniform", positive, positive, noise, start, 10000, "disable"
        )[0]


def pictures(vae, *latents):
    with torch.inference_mode():
        return [vae.decode(latent["samples"]).clamp(0, 1) * 255 for latent in latents]


@pytest.mark.parametrize(("steps", "strength", "start"), ROWS)
def test_ksampler_gives_the_picture_back(run, demo, steps, strength, start):
    inputs = {k: demo[k] for k in ("model", "vae", "image", "positive")}
    _, noise = run("GoodDrag_Invert", **inputs, steps=steps, strength=strength)
    (again,) = pictures(demo["vae"], sampled(demo["model"], demo["positive"], noise, steps, start))
    assert (again - demo["image"] * 255).abs().mean() < 5  # the scale that the engine keeps gives 25


@pytest.mark.parametrize("prediction", ["eps", "v_prediction"])
def test_ksampler_draws_what_the_engine_draws(run, demo, prediction):
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    (model,) = ModelSamplingDiscrete().patch(demo["model"], prediction, False)
    inputs = {"model": model, **{k: demo[k] for k in ("vae", "image", "positive")}}
    inversion, noise = run("GoodDrag_Invert", **inputs, steps=10)
    undragged, *_ = run("GoodDrag_Sampler", model=model, inversion=inversion, points=demo["points"], operations=0)
    stock = sampled(model, demo["positive"], noise, 10, 2)
    ours, theirs = pictures(demo["vae"], undragged, stock)
    # the engine's last step goes to the smallest sigma of the schedule, ComfyUI's to 0
    assert (ours - theirs).abs().mean() < 1
