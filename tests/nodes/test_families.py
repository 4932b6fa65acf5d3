"""Every family through ComfyUI's loader: its own prediction, whole edits, and what is refused by name."""

import numpy as np
import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy.sd
import comfy.utils
import narrow

Z = (1, 4, 16, 24)


@pytest.fixture
def load(monkeypatch, tmp_path):
    return lambda name, **more: narrow.load(monkeypatch, tmp_path / "narrow.safetensors", name, **more)


@pytest.fixture
def compared(part):
    """Ours over ComfyUI's own prediction: the largest difference, relative."""
    lent, conditioning = part("nodes.lent"), part("nodes.conditioning")

    def compare(model, positive, t=401):
        z = torch.randn(Z, generator=torch.Generator().manual_seed(3))
        theirs = narrow.predicted(model, z, t, positive)
        with torch.inference_mode(), lent.diffusers_model(model, Z) as borrowed, torch.no_grad():
            ours = borrowed.predict(z.clone(), t, conditioning.told(model, positive, z))
        return ((ours - theirs).abs().max() / theirs.abs().max()).item(), theirs

    return compare


def a_lora(model):
    """Somebody's LoRA on attention and feed-forward layers."""
    generator, state = torch.Generator().manual_seed(1), {}
    for name, module in model.model.named_modules():
        if isinstance(module, torch.nn.Linear) and ("attn" in name or "ff" in name):
            out, into = module.weight.shape
            state[f"{name}.lora_up.weight"] = torch.randn(out, 4, generator=generator) * 0.2
            state[f"{name}.lora_down.weight"] = torch.randn(4, into, generator=generator) * 0.2
            state[f"{name}.alpha"] = torch.tensor(2.0)
    assert state
    return state


@pytest.mark.parametrize("name", narrow.FAMILIES)
def test_the_prediction_is_comfyuis(load, part, compared, name):
    """Plain, and with a LoRA at 0.7."""
    model, positive = load(name), narrow.conditioning(name)
    expected = "v_prediction" if name.endswith("-v") else "epsilon"
    assert part("nodes.families").prediction_type(model) == expected
    family = {"SD15": "Stable Diffusion 1.x", "SD20": "Stable Diffusion 2.x", "SD21-v": "Stable Diffusion 2.x"}
    assert part("nodes.families").family(model).name == family.get(name, "SDXL")
    z = torch.randn(Z)
    scale = part("nodes.families").family(model).latent_scale
    assert torch.allclose(part("nodes.host").to_model(model, z), z * scale)
    for t in (21, 741):
        error, plain = compared(model, positive, t)
        assert error < 1e-4
    adapted, _ = comfy.sd.load_lora_for_models(model, None, a_lora(model), 0.7, 0)
    error, theirs = compared(adapted, positive, t)
    print(f"{name}: {error:.1e}")
    assert error < 1e-4
    assert (theirs - plain).abs().max() > 1e-2


def test_sizes_are_the_conditionings_or_the_pictures(load, part, compared):
    """As CLIPTextEncodeSDXL gives them, and as ComfyUI's samplers fill in what a plain CLIPTextEncode leaves open."""
    model, plain = load("SDXL"), narrow.conditioning("SDXL")
    sizes = dict(width=1024, height=768, crop_w=16, crop_h=8, target_width=896, target_height=640)
    sized = narrow.conditioning("SDXL", **sizes)
    (error, theirs), (error_plain, theirs_plain) = compared(model, sized), compared(model, plain)
    assert max(error, error_plain) < 1e-4
    assert (theirs - theirs_plain).abs().max() > 1e-3
    z, told = torch.zeros(Z), part("nodes.conditioning").told
    same = narrow.conditioning("SDXL", width=Z[3] * 8, height=Z[2] * 8)
    assert torch.equal(told(model, plain, z).added, told(model, same, z).added)


def test_no_pooled_text_and_that_of_another_encoder_are_refused(load, run, demo):
    model, rest = load("SDXL"), {"vae": demo["vae"], "image": demo["image"]}
    text = narrow.conditioning("SDXL")[0][0]
    for options, message in [
        (
            {},
            "`positive` has no pooled text, which SDXL needs; connect a CLIPTextEncode on the CLIP of this checkpoint",
        ),
        ({"pooled_output": None}, "`positive` has no pooled text"),
        ({"pooled_output": np.zeros((1, 20))}, "`positive` has a ndarray 1x20 as pooled text, which is 1 x numbers"),
        ({"pooled_output": torch.zeros(0, 20)}, "`positive` has a Tensor 0x20 as pooled text"),
        ({"pooled_output": torch.zeros(1, 1, 20)}, "`positive` has a Tensor 1x1x20 as pooled text"),
        (
            {"pooled_output": torch.zeros(1, 20), "width": "wide"},
            "carries 'wide' as width, which is no number of pixels",
        ),
        ({"pooled_output": torch.zeros(1, 20), "crop_h": torch.zeros(2)}, "as crop_h, which is no number of pixels"),
        ({"pooled_output": torch.zeros(1, 12)}, "`positive` has 12 numbers of pooled text, and `model` needs 20"),
    ]:
        for node in ("GoodDrag_LoRATune", "GoodDrag_Invert"):
            with pytest.raises(ValueError, match=message):
                run(node, model=model, positive=[[text, options]], **rest)


def test_odd_pooled_text_and_sizes_are_read(load, run, demo):
    model, rest = load("SDXL"), {"vae": demo["vae"], "image": demo["image"], "steps": 2}
    ((text, options), *_) = narrow.conditioning("SDXL")
    whole = {**options, "width": 256, "height": 256, "crop_w": 0}
    odd = {
        "pooled_output": options["pooled_output"][0],
        "width": np.array([256]),
        "height": torch.tensor(256),
        "crop_w": None,
    }
    (_, expected), (_, noise) = (
        run("GoodDrag_Invert", model=model, positive=[[text, more]], **rest) for more in (whole, {**whole, **odd})
    )
    assert torch.equal(noise["samples"], expected["samples"])


def chain(run, demo, model, positive, *, steps=6, **settings):
    """Tuned model, its LoRA, noise and the dragged latent."""
    common = {"vae": demo["vae"], "image": demo["image"], "positive": positive}
    tuned, lora = run("GoodDrag_LoRATune", model=model, steps=2, batch_size=1, learning_rate=0.01, **common)
    inversion, noise = run("GoodDrag_Invert", model=tuned, steps=steps, **common)
    drag = {"operations": 2, "operations_per_step": 1, "gradient_steps": 1, "mask": demo["mask"], **settings}
    latent, trace, _ = run("GoodDrag_Sampler", model=tuned, inversion=inversion, points=demo["points"], **drag)
    return tuned, lora, inversion, noise, latent, trace


@pytest.mark.parametrize("name", ["SD21-v", "SDXL", "SDXL-v", "KOALA_700M"])
def test_a_whole_edit_and_a_refinement(load, run, demo, name):
    import nodes as stock

    model, positive = load(name), narrow.conditioning(name)
    tuned, _, _, _, latent, trace = chain(run, demo, model, positive)
    assert trace.trace.operations == 2
    assert trace.trace.evaluated < 1
    block = "up_blocks.2" if name == "SD21-v" else "up_blocks.1"
    assert trace.trace.config.feature_block == block
    picture, *_ = run(
        "GoodDrag_Decode", vae=demo["vae"], latent=latent, image=demo["image"], mask=demo["mask"], trace=trace
    )
    assert picture.shape == demo["image"].shape
    assert picture.isfinite().all()
    with torch.inference_mode():
        (refined,) = stock.KSampler().sample(
            tuned, 0, 2, 1.0, "euler", "normal", positive, positive, latent, denoise=0.3
        )
    assert refined["samples"].isfinite().all()


def test_presets_and_variants_of_sdxl(load, run, demo):
    model, positive = load("SDXL"), narrow.conditioning("SDXL")
    common = {"vae": demo["vae"], "image": demo["image"], "positive": positive, "model": model}
    inversion, _ = run("GoodDrag_Invert", preset="fast", **common)
    several, *_ = run("GoodDrag_Variants", points=demo["points"], count=2)
    latent, traces, _ = run(
        "GoodDrag_Sampler", model=model, inversion=inversion, points=several, mask=demo["mask"], operations=1,
        gradient_steps=1, checkpointing="on",
    )  # fmt: skip
    assert latent["samples"].shape[0] == len(traces) == 2


@pytest.mark.parametrize("name", ["SD15", pytest.param("SDXL", marks=pytest.mark.long)])
def test_a_tuned_lora_in_comfyui_is_the_one_in_the_pack(load, run, part, demo, compared, tmp_path, name):
    """A stock sampler draws with it what the engine draws, and the stock loaders read it from SaveLoRA's file."""
    from comfy_extras.nodes_train import LoraModelLoader
    from safetensors.torch import save_file

    import nodes as stock

    model, positive = load(name), narrow.conditioning(name)
    tuned, lora, inversion, noise, *_ = chain(run, demo, model, positive, steps=10)
    (error, theirs), (_, untuned) = compared(tuned, positive), compared(model, positive)
    assert error < 1e-4
    assert (theirs - untuned).abs().max() > 1e-2

    undragged, *_ = run("GoodDrag_Sampler", model=tuned, inversion=inversion, points=demo["points"], operations=0)
    with torch.inference_mode():
        (drawn,) = stock.KSamplerAdvanced().sample(
            tuned, "disable", 0, 10, 1.0, "euler", "ddim_uniform", positive, positive, noise, 2, 10000, "disable"
        )
    # the engine's last step goes to the smallest sigma of the schedule, ComfyUI's to 0
    assert (drawn["samples"] - undragged["samples"]).abs().mean() < 0.05 * undragged["samples"].abs().mean()

    save_file(lora, tmp_path / "saved.safetensors")  # as SaveLoRA does
    read = comfy.utils.load_torch_file(str(tmp_path / "saved.safetensors"))
    by_file, _ = comfy.sd.load_lora_for_models(model, None, read, 1.0, 0.0)  # LoraLoader, LoraLoaderModelOnly
    by_socket = LoraModelLoader.execute(model, lora, 1.0).args[0]
    for again in (by_file, by_socket):
        assert torch.allclose(compared(again, positive)[1], theirs, atol=1e-5)
    # and in the layout of the engine's own files
    engine = part("gooddrag.method.lora")
    names = {key.removesuffix(".lora_down.weight") for key in lora if key.endswith("lora_down.weight")}
    keys = comfy.utils.unet_to_diffusers(model.model.model_config.unet_config)
    modules = {f"diffusion_model.{v}".removesuffix(".weight"): k.removesuffix(".weight") for k, v in keys.items()}
    weights = {modules[n]: (lora[f"{n}.lora_down.weight"], lora[f"{n}.lora_up.weight"]) for n in names}
    engine.LoRA(16, weights).save(tmp_path / "engine.safetensors")
    read = comfy.utils.load_torch_file(str(tmp_path / "engine.safetensors"))
    by_file, _ = comfy.sd.load_lora_for_models(model, None, read, 1.0, 0.0)
    assert torch.allclose(compared(by_file, positive)[1], theirs, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("refiner", r"the refiner of Stable Diffusion XL \(family SDXLRefiner\)"),
        ("SDXL inpainting", r"an inpainting checkpoint.*9 channels instead of 4 \(family SDXL\)"),
        ("SDXL instruct", r"instruct-pix2pix on Stable Diffusion XL \(family SDXL_instructpix2pix\)"),
        ("SD15 inpainting", r"an inpainting checkpoint.*9 channels instead of 4 \(family SD15\)"),
        ("SD15 instruct", r"an instruct-pix2pix checkpoint.*8 channels instead of 4 \(family SD15_instructpix2pix\)"),
        ("SD21 unCLIP", r"unCLIP on Stable Diffusion 2.1 \(family SD21UnclipL\)"),
    ],
)
def test_others_are_refused_by_name(load, run, demo, name, what):
    with pytest.raises(ValueError, match=f"`model` is {what}, which GoodDrag cannot drag; connect an ordinary Stable"):
        run("GoodDrag_Sampler", model=load(name), inversion=None, points=demo["points"])


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"edm_mean": torch.zeros(4), "edm_std": torch.ones(4)}, "`model` is sampled as EDM"),
        ({"edm_vpred.sigma_max": torch.tensor(80.0)}, "not the schedule of Stable Diffusion"),
        (
            {"v_pred": torch.zeros(1), "ztsnr": torch.zeros(1)},
            "`model` has zero terminal SNR .* not the schedule of Stable Diffusion",
        ),
    ],
)
def test_other_schedules_are_refused_by_name(load, run, demo, more, message):
    positive = narrow.conditioning("SDXL")
    with pytest.raises(ValueError, match=message):
        run("GoodDrag_Invert", model=load("SDXL", **more), vae=demo["vae"], image=demo["image"], positive=positive)
