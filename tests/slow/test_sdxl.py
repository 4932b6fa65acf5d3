"""A full-size SDXL checkpoint through the stock loader, in a real server, in a process and on the command line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from devtools import environment
from devtools.server import Server, copy_input
from tests.slow.test_sd15 import PeakMemory

ROOT = Path(__file__).parent.parent.parent
WIDTH, HEIGHT = 256, 192
UNET = 5.1
"""GB of SDXL's U-Net in half precision."""


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "gooddrag_slow_sdxl.png"
    small = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(path)
    return path


def stock(kind, **inputs):
    return {"class_type": kind, "inputs": inputs}


def test_tuning_inversion_drag_and_refinement_without_a_second_copy_of_the_weights(sdxl_checkpoint, picture):
    drawn = "[[[100, 100], [130, 104]]]"
    model, vae, image, text = ["1", 0], ["1", 2], ["3", 0], ["2", 0]
    sampled = {
        "seed": 0,
        "cfg": 1.0,
        "sampler_name": "euler",
        "scheduler": "normal",
        "positive": text,
        "negative": text,
    }
    loaded = {
        "1": stock("CheckpointLoaderSimple", ckpt_name=sdxl_checkpoint.name),
        "2": stock("CLIPTextEncode", clip=["1", 1], text=""),
        "3": stock("LoadImage", image=copy_input(picture)),
    }
    with Server(arguments=("--bf16-unet",), timeout=600) as server, PeakMemory(server.process.pid) as memory:
        # what the stock nodes alone need: the checkpoint, its text, one evaluation
        server.run(
            {
                **loaded,
                "4": stock("VAEEncode", vae=vae, pixels=image),
                "5": stock("KSampler", model=model, latent_image=["4", 0], steps=1, denoise=1.0, **sampled),
                "6": stock("PreviewImage", images=["7", 0]),
                "7": stock("VAEDecode", vae=vae, samples=["5", 0]),
            }
        )
        before = memory.now()
        entry = server.run(
            {
                **loaded,
                "10": stock("GoodDrag_Points", image=image, points=drawn),
                "11": stock(
                    "GoodDrag_LoRATune", model=model, vae=vae, image=image, positive=text, preset="custom", steps=1, rank=4,
                    learning_rate=0.0005, batch_size=1, seed=0, checkpointing="auto", file="",
                ),
                "12": stock(
                    "GoodDrag_Invert", model=["11", 0], vae=vae, image=image, positive=text, preset="custom", steps=4,
                    strength=0.75,
                ),
                "13": stock(
                    "GoodDrag_Sampler", model=["11", 0], inversion=["12", 0], points=["10", 0], mask=["10", 1],
                    preset="custom", operations=1, operations_per_step=1, gradient_steps=1, learning_rate=0.02,
                    background="lock", mask_weight=0.2, drag_size=4.0, supervision_radius=4, tracking_radius=12, patience=10,
                    information_preserving=True, mutual_attention=True, start="picture", checkpointing="auto", window=True,
                ),
                "14": stock("KSampler", model=["11", 0], latent_image=["13", 0], steps=1, denoise=0.3, **sampled),
                "15": stock("VAEDecode", vae=vae, samples=["14", 0]),
                "16": stock("SaveImage", images=["15", 0], filename_prefix="gooddrag_slow_sdxl"),
            }
        )  # fmt: skip
    (image,) = entry["outputs"]["16"]["images"]
    assert Image.open(environment.BASE / "output" / image["filename"]).size == (WIDTH, HEIGHT)
    extra = memory.peak - before
    print(
        f"\nSDXL at {WIDTH}x{HEIGHT}: {before:.1f} GB with the checkpoint loaded, {extra:.1f} GB on top; the U-Net is {UNET} GB"
    )
    # LoRA patches keep the attention weights that they change, 2 GB; the rest is activations
    assert extra < UNET


def test_epsilon_of_the_adapted_unet_is_comfyuis(sdxl_checkpoint):
    """In a process of its own, in bfloat16, in which ComfyUI itself is that far from float32."""
    code = f"""
import importlib, sys
sys.path.insert(0, {str(ROOT / "tests" / "nodes")!r})
import conftest, torch
pack = conftest.load_pack()
import narrow
conditioning, lent = (importlib.import_module(f"{{pack.__name__}}.nodes.{{name}}") for name in ("conditioning", "lent"))
import comfy.sd
with torch.inference_mode():
    model, clip, _, _ = comfy.sd.load_checkpoint_guess_config(
        {str(sdxl_checkpoint)!r}, output_vae=False, output_clip=True, model_options={{"dtype": torch.bfloat16}}
    )
    positive = clip.encode_from_tokens_scheduled(clip.tokenize("a photo"))
    del clip
    z = torch.randn(1, 4, {HEIGHT // 8}, {WIDTH // 8})
    for t in (21, 741):
        theirs = narrow.predicted(model, z, t, positive)
        with lent.diffusers_model(model, z.shape) as borrowed, torch.no_grad():
            ours = borrowed.predict(z, t, conditioning.told(model, positive, z))
        difference = ((ours - theirs).abs().max() / theirs.abs().max()).item()
        print("t", t, "relative difference", difference)
        assert difference < 0.05
        own = {{p.data_ptr() for p in model.model.parameters()}}
        assert all(p.data_ptr() in own for p in borrowed.unet.parameters())
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    print(result.stdout)
    assert result.returncode == 0, result.stderr[-3000:]


def test_command_line_reads_the_single_file(sdxl_checkpoint, picture, tmp_path):
    out = tmp_path / "out.png"
    command = [
        sys.executable, "-m", "gooddrag", "edit", str(picture), "--points", "100,100>130,104", "--model",
        str(sdxl_checkpoint), "--preset", "fast", "--operations", "0", "--precision", "bf16", "-o", str(out),
    ]  # fmt: skip
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    assert Image.open(out).size == (WIDTH, HEIGHT)
