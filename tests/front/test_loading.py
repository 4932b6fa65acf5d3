"""Models by name: SDXL as a folder and as a file, prompts held to diffusers' own pipelines, and what is refused."""

import json
from pathlib import Path

import pytest
import torch
from diffusers import AutoencoderKL, DDIMScheduler, StableDiffusionXLPipeline, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection, CLIPTokenizer

from gooddrag.__main__ import main
from gooddrag.loading import _family, load
from gooddrag.network.schedule import SD_SCHEDULE, prediction_type_of

DATA = Path(__file__).parent.parent / "parity" / "data"
SIZE = (101, 90)
WORDS = {"!": 0, "c": 66, "a": 64, "t": 83, "a</w>": 320, "t</w>": 339, "ca": 500, "cat</w>": 2368,
         "<|startoftext|>": 49406, "<|endoftext|>": 49407}  # fmt: skip


def tokenizer(folder: Path, pad: str) -> None:
    folder.mkdir()
    (folder / "vocab.json").write_text(json.dumps(WORDS))
    (folder / "merges.txt").write_text("#version: 0.2\nc a\nca t</w>\n")
    CLIPTokenizer(
        str(folder / "vocab.json"), str(folder / "merges.txt"), pad_token=pad, model_max_length=77
    ).save_pretrained(folder)


def encoder(cls, hidden: int, layers: int):
    config = CLIPTextConfig(
        hidden_size=hidden, intermediate_size=32, num_attention_heads=2, num_hidden_layers=layers, projection_dim=20,
        vocab_size=49408, eos_token_id=2, hidden_act="gelu",
    )  # fmt: skip
    return cls(config).eval()


@pytest.fixture
def pipeline(tmp_path, sdxl_config):
    """A diffusers folder of SDXL's kind, 20 times narrower, and diffusers' pipeline of it."""
    folder = tmp_path / "xl"
    folder.mkdir()
    tokenizer(folder / "tokenizer", "<|endoftext|>")
    tokenizer(folder / "tokenizer_2", "!")
    parts = dict(
        unet=UNet2DConditionModel(**sdxl_config),
        vae=AutoencoderKL.from_pretrained(DATA / "vae"),
        text_encoder=encoder(CLIPTextModel, 8, 3),
        text_encoder_2=encoder(CLIPTextModelWithProjection, 16, 3),
        scheduler=DDIMScheduler(**SD_SCHEDULE),
    )
    for name, part in parts.items():
        part.save_pretrained(folder / name)
    for name in ("tokenizer", "tokenizer_2"):
        parts[name] = CLIPTokenizer.from_pretrained(folder / name)
    return folder, StableDiffusionXLPipeline(**parts)


@pytest.mark.parametrize("prompt", ["", "a cat"])
def test_a_prompt_is_what_diffusers_pipeline_makes_of_it(pipeline, prompt):
    folder, theirs = pipeline
    loaded = load(str(folder))
    told = loaded.encode_text(prompt, SIZE)
    with torch.no_grad():
        text, _, pooled, _ = theirs.encode_prompt(prompt, device="cpu", do_classifier_free_guidance=False)
    assert torch.allclose(told.text, text, atol=1e-5)
    z = torch.randn(1, 4, 12, 13)
    ids = theirs._get_add_time_ids((96, 104), (0, 0), (96, 104), torch.float32, text_encoder_projection_dim=20)
    with torch.no_grad():
        added = {"text_embeds": pooled, "time_ids": ids}
        expected = theirs.unet(z, 301, encoder_hidden_states=text, added_cond_kwargs=added).sample
        assert torch.allclose(loaded.model.predict(z, 301, told), expected, atol=1e-5)


def test_the_empty_prompt_needs_no_vocabulary(pipeline):
    """As with a single file, which brings none: the ids are known."""
    from gooddrag.loading.encoders import Encoder, two

    folder, theirs = pipeline

    def none():
        raise AssertionError("no vocabulary")

    first, second = Encoder(theirs.text_encoder, none, "cpu"), Encoder(theirs.text_encoder_2, none, "cpu", pad=0)
    encode = two(theirs.unet, first, second)
    told, expected = encode("", SIZE), load(str(folder)).encode_text("", SIZE)
    assert torch.allclose(told.text, expected.text, atol=1e-6)
    assert torch.allclose(told.added, expected.added, atol=1e-6)


def test_a_folder_on_the_command_line(pipeline, tmp_path):
    import numpy as np
    from PIL import Image

    folder, _ = pipeline
    picture, out = tmp_path / "in.png", tmp_path / "out.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 101, 3), dtype=np.uint8)).save(picture)
    short = ["--preset", "fast", "--lora-steps", "1", "--operations", "1"]
    given = ["edit", str(picture), "--points", "30,30>50,40", "--model", str(folder), "--prompt", "a cat", *short]
    assert main([*given, "-o", str(out)]) == 0
    assert Image.open(out).size == (101, 90)


def test_a_folder_without_text_encoders(pipeline):
    import shutil

    folder, _ = pipeline
    for name in ("text_encoder", "text_encoder_2"):
        shutil.rmtree(folder / name)
    loaded = load(str(folder))
    told = loaded.encode_text("", SIZE)
    assert told.text.shape == (1, 1, 24)
    assert (told.added[:, :20] == 0).all()
    assert told.added[:, 20:].any()
    assert loaded.model.predict(torch.randn(1, 4, 12, 13), 1, told).isfinite().all()
    with pytest.raises(ValueError, match="has no text encoder"):
        loaded.encode_text("a cat", SIZE)


def test_folders_of_other_kinds_are_refused_before_their_weights_are_read(pipeline):
    folder, _ = pipeline
    file = folder / "unet" / "config.json"
    config = json.loads(file.read_text())
    for changes, what in [
        ({"in_channels": 9}, "an inpainting U-Net"),
        ({"_class_name": "UNetMotionModel"}, "a UNetMotionModel for video"),
    ]:
        file.write_text(json.dumps({**config, **changes}))
        with pytest.raises(
            ValueError, match=f"{what}.*, which GoodDrag cannot drag; use a Stable Diffusion 1.x, 2.x or SDXL"
        ):
            load(str(folder))


@pytest.mark.parametrize(
    ("scheduler", "what"),
    [
        ({"_class_name": "EDMEulerScheduler", "prediction_type": "epsilon"}, "EDMEulerScheduler"),
        ({"_class_name": "FlowMatchEulerDiscreteScheduler"}, "flow matching"),
        ({"rescale_betas_zero_snr": True, "prediction_type": "v_prediction"}, "zero terminal SNR"),
        ({"beta_schedule": "linear"}, "beta_schedule linear"),
        ({"num_train_timesteps": 4000}, "num_train_timesteps 4000"),
    ],
)
def test_other_schedules_are_refused_by_name(scheduler, what):
    with pytest.raises(ValueError, match=f"another noise schedule than Stable Diffusion .{what}"):
        prediction_type_of(scheduler)


def test_usual_schedules_are_taken():
    assert prediction_type_of({}) == "epsilon"
    assert prediction_type_of({**SD_SCHEDULE, "_class_name": "EulerDiscreteScheduler"}) == "epsilon"
    assert prediction_type_of({**SD_SCHEDULE, "prediction_type": "v_prediction"}) == "v_prediction"


def weights(**shapes):
    return {
        f"model.diffusion_model.{key}": torch.empty(shape, device="meta")
        for key, shape in {"input_blocks.0.0.weight": (320, 4, 3, 3), **shapes}.items()
    }


CROSS = "input_blocks.1.1.transformer_blocks.0.attn2.to_k.weight"
XL = {"label_emb.0.0.weight": (1280, 2816), "input_blocks.8.1.transformer_blocks.9.norm1.weight": (1280,)}


def test_files_are_recognised_by_their_weights():
    path = Path("a.safetensors")
    assert _family(path, weights(**{CROSS: (320, 768)})).name == "Stable Diffusion 1.x"
    assert _family(path, weights(**XL)).name == "SDXL"
    assert _family(path, {**weights(**XL), "v_pred": torch.empty(0)}).name == "SDXL"


@pytest.mark.parametrize(
    ("checkpoint", "what"),
    [
        ({}, "none of the checkpoints that GoodDrag drags"),
        (weights(**{CROSS: (320, 1024)}), "of Stable Diffusion 2.x, whose files do not say what the U-Net predicts"),
        (weights(**{CROSS: (320, 768), "input_blocks.0.0.weight": (320, 9, 3, 3)}), "an inpainting U-Net with 9 input"),
        (weights(**XL, **{"input_blocks.0.0.weight": (320, 8, 3, 3)}), "an instruct-pix2pix U-Net with 8 input"),
        (weights(**{"label_emb.0.0.weight": (1536, 2560)}), "the SDXL refiner"),
        (weights(**{"label_emb.0.0.weight": (1280, 2816)}), "a distilled SDXL: give it as a diffusers folder"),
        ({**weights(**XL), "edm_vpred.sigma_max": torch.empty(1)}, "trained in the EDM way"),
        ({**weights(**XL), "v_pred": 0, "ztsnr": torch.empty(0)}, "trained with zero terminal SNR"),
    ],
)
def test_files_of_other_kinds_are_refused_by_name(checkpoint, what):
    with pytest.raises(
        ValueError, match=f"a.safetensors is {what}.*; use a Stable Diffusion 1.x, 2.x or SDXL base model"
    ):
        _family(Path("a.safetensors"), checkpoint)
