"""The MODEL as a diffusers U-Net over the same memory, and families that are refused."""

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy.model_base
import comfy.model_patcher
import comfy.supported_models
from conftest import comfyui_epsilon


@pytest.fixture
def host(part):
    return part("nodes.host")


@pytest.fixture
def lent(part):
    return part("nodes.lent")


@pytest.fixture
def families(part):
    return part("nodes.families")


@pytest.fixture
def conditioning(part):
    return part("nodes.conditioning")


@pytest.mark.parametrize("t", [1, 401, 981])
def test_epsilon_is_comfyuis(lent, conditioning, demo, t):
    z = torch.randn(1, 4, 32, 32)
    theirs = comfyui_epsilon(demo["model"], z, t, demo["positive"][0][0])
    with lent.diffusers_model(demo["model"], z.shape) as model:
        ours = model.predict(z, t, conditioning.text_of(demo["positive"]))
    assert (ours - theirs).abs().max() < 1e-4


def test_weights_are_shared_and_nothing_of_comfyuis_is_touched(lent, demo):
    own = dict(demo["model"].model.named_parameters())
    before = {name: p.clone() for name, p in own.items()}
    with lent.diffusers_model(demo["model"], (1, 4, 32, 32)) as model:
        pointers = {p.data_ptr() for p in own.values()}
        assert all(p.data_ptr() in pointers for p in model.unet.parameters())
        assert not any(p.requires_grad for p in model.unet.parameters())
    after = dict(demo["model"].model.named_parameters())
    assert all(after[name] is own[name] and torch.equal(after[name], before[name]) for name in own)


def test_gradients_flow_to_the_latent_in_spite_of_inference_mode(host, lent, conditioning, demo):
    with torch.inference_mode():
        samples = torch.randn(1, 4, 32, 32)
        with lent.diffusers_model(demo["model"], samples.shape) as model, torch.enable_grad():
            z = host.to_model(demo["model"], samples).requires_grad_()
            model.predict(z, 401, conditioning.text_of(demo["positive"])).sum().backward()
    assert z.grad.abs().sum() > 0


def test_scaling_goes_there_and_back(host, demo):
    samples = torch.randn(1, 4, 8, 8)
    z = host.to_model(demo["model"], samples)
    assert torch.allclose(z, samples * 0.18215)
    assert torch.allclose(host.from_model(demo["model"], z), samples)


def tiny(config_class, unet_config, create):
    """A real model of another family, small: its class and configuration are what is looked at."""
    config = config_class(dict(unet_config, dtype=torch.float32))
    model = create(config)
    device = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(model, load_device=device, offload_device=device)


def flux():
    config = {
        "image_model": "flux", "in_channels": 16, "out_channels": 16, "vec_in_dim": 32, "context_in_dim": 32,
        "hidden_size": 64, "mlp_ratio": 2.0, "num_heads": 2, "depth": 1, "depth_single_blocks": 1,
        "axes_dim": [8, 12, 12], "txt_ids_dims": [], "theta": 10000, "patch_size": 2, "qkv_bias": True, "guidance_embed": False,
    }  # fmt: skip
    return tiny(comfy.supported_models.Flux, config, lambda c: comfy.model_base.Flux(c))


def sd15(channels=9):
    """SD1.5's inpainting variant has nine input channels, instruct-pix2pix eight."""
    config = {
        "use_checkpoint": False, "image_size": 32, "out_channels": 4, "use_spatial_transformer": True, "legacy": False,
        "in_channels": channels, "model_channels": 32, "num_res_blocks": [1, 1], "transformer_depth": [1, 0],
        "channel_mult": [1, 2], "transformer_depth_middle": 1, "use_linear_in_transformer": False, "context_dim": 64,
        "num_heads": 2, "num_head_channels": -1, "transformer_depth_output": [1, 1, 0, 0], "adm_in_channels": None,
    }  # fmt: skip
    return tiny(comfy.supported_models.SD15, config, lambda c: comfy.model_base.BaseModel(c))


REFUSED = [
    (flux, "of the family Flux"),
    (
        sd15,
        r"an inpainting checkpoint: its U-Net also takes a mask and the masked picture, 9 channels instead of 4 \(family SD15\)",
    ),
    (lambda: sd15(8), "an instruct-pix2pix checkpoint: its U-Net also takes the picture, 8 channels instead of 4"),
    (lambda: sd15(5), "a depth checkpoint"),
]


@pytest.mark.parametrize(("make", "name"), REFUSED)
def test_other_families_are_refused_by_name_before_anything_is_done(run, demo, make, name):
    model = make()
    for node_id, inputs in {
        "GoodDrag_LoRATune": {"vae": demo["vae"], "image": demo["image"], "positive": demo["positive"]},
        "GoodDrag_Invert": {"vae": demo["vae"], "image": demo["image"], "positive": demo["positive"]},
        "GoodDrag_Sampler": {"inversion": None, "points": demo["points"]},
    }.items():
        with pytest.raises(
            ValueError, match=rf"`model` is {name}.*, which GoodDrag cannot drag; connect an ordinary Stable Diffusion"
        ):
            run(node_id, model=model, **inputs)


@pytest.mark.parametrize(
    ("sampling", "zsnr", "message"),
    [
        ("x0", False, "is sampled as x0 prediction; GoodDrag needs epsilon or v prediction"),
        ("lcm", False, "has 50 noise levels up to sigma .*, not the schedule of Stable Diffusion "),
        ("eps", True, "has zero terminal SNR .*, not the schedule of Stable Diffusion "),
    ],
)
def test_unusual_sampling_is_refused(lent, demo, sampling, zsnr, message):
    """The stock node that changes it."""
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    (model,) = ModelSamplingDiscrete().patch(demo["model"], sampling, zsnr)
    with pytest.raises(ValueError, match=message), lent.diffusers_model(model, (1, 4, 8, 8)):
        pass


@pytest.mark.parametrize(("sampling", "expected"), [("v_prediction", "v_prediction"), ("eps", "epsilon")])
def test_prediction_type_is_recognised(lent, demo, sampling, expected):
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    (model,) = ModelSamplingDiscrete().patch(demo["model"], sampling, False)
    with lent.diffusers_model(model, (1, 4, 8, 8)) as borrowed:
        assert borrowed.prediction_type == expected


@pytest.mark.parametrize(
    ("sampling", "words"), [("edm", "is sampled as EDM"), ("v_prediction", "has 1000 noise levels up to sigma 120")]
)
def test_edm_is_refused_by_name(families, demo, sampling, words):
    from comfy_extras.nodes_model_advanced import ModelSamplingContinuousEDM

    (model,) = ModelSamplingContinuousEDM().patch(demo["model"], sampling, 120.0, 0.002)
    with pytest.raises(ValueError, match=f"`model` {words}"):
        families.prediction_type(model)
