"""The table of families: how they are recognised, what is chosen for them, and what the others are called."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import UNet2DConditionModel

from gooddrag import DragConfig, Model
from gooddrag.demo import WEIGHTS
from gooddrag.network.attention import self_attention_layers
from gooddrag.network.family import FAMILIES, family_of

ENGINE = Path(__file__).parent.parent.parent / "gooddrag"
SD1, SD2, SDXL = FAMILIES


def bundled(name: str) -> dict:
    return json.loads((ENGINE / name / "unet" / "config.json").read_text())


@pytest.mark.parametrize(
    ("config", "family"),
    [
        (bundled("sd15"), SD1),
        ({**bundled("sd15"), "use_linear_projection": True, "cross_attention_dim": 1024}, SD2),
        (bundled("sdxl"), SDXL),
        (json.loads((WEIGHTS / "unet" / "config.json").read_text()), SD1),
    ],
)
def test_recognised_by_the_configuration(config, family):
    assert family_of(config) is family


def test_a_model_knows_its_family(model, sdxl):
    assert (model.family, sdxl.family) == (SD1, SDXL)


def test_the_papers_blocks_in_stable_diffusion_1():
    c = SD1.settled(DragConfig())
    assert (c.feature_block, c.mutual_blocks) == ("up_blocks.2", ("up_blocks.2", "up_blocks.3"))


def test_what_is_given_stays(sdxl):
    given = DragConfig(feature_block="up_blocks.0", mutual_blocks=())
    assert SDXL.settled(given) is given
    assert SDXL.settled(DragConfig(mutual_blocks=())).feature_block == "up_blocks.1"


@pytest.mark.parametrize("name", ["sd15", "sdxl"])
def test_the_feature_block_is_the_last_but_one_and_has_the_latents_resolution(name):
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(bundled(name))
        family, seen = family_of(unet.config), []
        assert family.feature_block == f"up_blocks.{len(unet.up_blocks) - 2}"
        unet.get_submodule(family.feature_block).register_forward_hook(lambda _m, _i, output: seen.append(output))
        more = {"text_embeds": torch.empty(1, 1280), "time_ids": torch.empty(1, 6)} if family.added else None
        text = torch.empty(1, 77, unet.config.cross_attention_dim)
        unet(torch.empty(1, 4, 64, 64), 1, encoder_hidden_states=text, added_cond_kwargs=more)
    assert seen[0].shape == (1, 640, 64, 64)


def test_mutual_attention_in_sdxl_is_in_its_last_six_layers():
    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(bundled("sdxl"))
    order = [*unet.down_blocks, unet.mid_block, *unet.up_blocks]
    layers = [m for block in order for n, m in block.named_modules() if n.endswith("attn1")]
    chosen = [unet.get_submodule(n) for n in self_attention_layers(unet, SDXL.mutual_blocks)]
    assert len(layers) == 70
    assert all(a is b for a, b in zip(chosen, layers[64:], strict=True))


OTHERS = [
    ({"in_channels": 9}, "an inpainting U-Net with 9 input channels"),
    ({"in_channels": 8}, "an instruct-pix2pix U-Net with 8 input channels"),
    ({"in_channels": 16}, "a U-Net with 16 input channels"),
    ({"out_channels": 8}, "a U-Net with 8 output channels"),
    ({"in_channels": 7, "num_class_embeds": 1000}, "an upscaler with 7 input channels"),
    ({"num_class_embeds": 10}, "told more than text"),
    ({"class_embed_type": "projection"}, "told more than text"),
    ({"addition_embed_type": "image"}, "told more than text"),
    ({"addition_embed_type": "text_time"}, "the SDXL refiner"),
    ({"block_out_channels": [320, 640, 1280]}, "a U-Net with 3 levels of resolution,"),
    ({"_class_name": "UNetSpatioTemporalConditionModel"}, "a UNetSpatioTemporalConditionModel for video"),
    ({"_class_name": "SD3Transformer2DModel"}, "a SD3Transformer2DModel"),
]


@pytest.mark.parametrize(("changes", "what"), OTHERS, ids=lambda value: str(value)[:40])
def test_others_are_called_by_name(changes, what):
    with pytest.raises(ValueError, match=f"this is .*{what}.* use a Stable Diffusion 1.x, 2.x or SDXL base model"):
        family_of({**bundled("sd15"), **changes})


def test_a_transformer_is_refused_by_name():
    from diffusers import SD3Transformer2DModel

    small = dict(
        num_layers=1, attention_head_dim=4, num_attention_heads=2, joint_attention_dim=8, caption_projection_dim=8
    )
    with pytest.raises(ValueError, match="this is a SD3Transformer2DModel, which GoodDrag cannot drag"):
        Model(SD3Transformer2DModel(sample_size=8, pooled_projection_dim=8, in_channels=4, **small))


def test_one_autoencoder_with_two_scales():
    """Single files are read with one configuration of the autoencoder."""
    config = json.loads((ENGINE / "sd15" / "vae" / "config.json").read_text())
    assert config["scaling_factor"] == SD1.latent_scale == SD2.latent_scale
