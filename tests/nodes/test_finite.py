"""NaN and infinity stop at the node where they enter. Pictures and masks: test_pictures.py, test_masks.py."""

from types import SimpleNamespace

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

NAN = float("nan")


@pytest.fixture
def given(demo):
    return {k: demo[k] for k in ("model", "vae", "image", "positive")}


def vae_of(demo, encode=None, decode=None):
    """The demo VAE, with one of its ways broken."""
    vae = demo["vae"]
    return SimpleNamespace(encode=encode or vae.encode, decode=decode or vae.decode)


@pytest.mark.parametrize("node_id", ["GoodDrag_LoRATune", "GoodDrag_Invert"])
def test_conditioning_and_vae(run, demo, given, node_id):
    text = demo["positive"][0][0].clone()
    text[..., :5] = NAN
    with pytest.raises(ValueError, match=rf"`positive` holds 5 of {text.numel()} values that are NaN or infinite"):
        run(node_id, **{**given, "positive": [[text, {}]]}, steps=2)

    def encode(x):
        return demo["vae"].encode(x) * NAN

    with pytest.raises(
        ValueError, match=r"what `vae` made of `image` holds 4096 of 4096 .*; use another VAE, or .*--fp32-vae"
    ):
        run(node_id, **{**given, "vae": vae_of(demo, encode)}, steps=2)


def test_latent_and_what_the_vae_makes_of_it(run, demo):
    samples = torch.zeros(1, 4, 8, 8)
    samples[0, 0, 0, 0] = float("inf")
    with pytest.raises(ValueError, match=r"`latent` holds 1 of 256 values that are NaN or infinite"):
        run("GoodDrag_Decode", vae=demo["vae"], latent={"samples": samples})

    def decode(z):
        return demo["vae"].decode(z) * NAN

    with pytest.raises(ValueError, match=r"what `vae` made of `latent` holds 12288 of 12288"):
        run("GoodDrag_Decode", vae=vae_of(demo, decode=decode), latent={"samples": torch.zeros(1, 4, 8, 8)})


@pytest.mark.parametrize("operations", [0, 2])
def test_a_lora_file_with_nan_on_the_model(run, demo, given, operations):
    """As the stock loader puts it there."""
    inversion, _ = run("GoodDrag_Invert", **given, steps=4)
    lora = run("GoodDrag_LoRATune", **given, steps=1)[1]
    lora = {key: value * NAN if key.endswith("lora_up.weight") else value for key, value in lora.items()}
    import comfy.sd

    model, _ = comfy.sd.load_lora_for_models(demo["model"], None, lora, 1.0, 0.0)
    made = r"the U-Net made them in torch.float32: look at its weights and at the LoRAs on it"
    with pytest.raises(ValueError, match=rf"the inverted latent holds .*; {made}"):
        run("GoodDrag_Invert", **{**given, "model": model}, steps=4)
    with pytest.raises(ValueError, match=made):
        run("GoodDrag_LoRATune", **{**given, "model": model}, steps=1)
    with pytest.raises(ValueError, match=made):
        run("GoodDrag_Sampler", model=model, inversion=inversion, points=demo["points"], operations=operations)


def test_a_tuning_that_diverges_keeps_no_file(run, given, monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_folder_paths", lambda kind: [str(tmp_path)])
    with pytest.raises(
        ValueError, match=r"the tuning diverged after \d of 4 steps, so there is no LoRA; lower learning_rate"
    ):
        run("GoodDrag_LoRATune", **given, steps=4, learning_rate=1000.0, file="cat")
    assert list(tmp_path.iterdir()) == []
