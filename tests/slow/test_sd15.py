"""A full-size SD1.5 checkpoint through the stock loader, in a real server and in this process."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from devtools import environment, workflow
from devtools.server import Server, copy_input

ROOT = Path(__file__).parent.parent.parent
WIDTH, HEIGHT = 320, 256


class PeakMemory:
    """The largest private memory of a process while the block runs, in GB; mapped files do not count."""

    def __init__(self, pid: int):
        self.status, self.peak, self.done = Path(f"/proc/{pid}/status"), 0.0, False
        self.thread = threading.Thread(target=self._watch)

    def now(self) -> float:
        (line,) = [x for x in self.status.read_text().splitlines() if x.startswith("RssAnon")]
        return int(line.split()[1]) / 1024**2

    def _watch(self) -> None:
        while not self.done:
            self.peak = max(self.peak, self.now())
            time.sleep(0.02)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_exception):
        self.done = True
        self.thread.join()


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "gooddrag_slow_test.png"
    small = np.random.default_rng(0).integers(0, 256, (8, 10, 3), dtype=np.uint8)
    Image.fromarray(small).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(path)
    return path


def test_the_sd15_workflow_runs_without_a_second_copy_of_the_weights(checkpoint, picture):
    with Server() as server, PeakMemory(server.process.pid) as memory:
        prompt = workflow.to_prompt(
            workflow.load(ROOT / "example_workflows" / "gooddrag_sd15.json"), server.get("/object_info")
        )

        def node(kind):
            return prompt[workflow.find(prompt, kind)]["inputs"]

        node("CheckpointLoaderSimple")["ckpt_name"] = checkpoint.name
        node("LoadImage")["image"] = copy_input(picture)
        node("GoodDrag_Points")["points"] = "[[[100, 100], [140, 110]]]"
        node("GoodDrag_LoRATune").update(steps=2, batch_size=1)
        node("GoodDrag_Invert")["steps"] = 8
        node("GoodDrag_Sampler").update(operations=1, gradient_steps=1)
        # what the stock nodes alone need: the checkpoint, its text, one evaluation
        stock = {
            "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": checkpoint.name}},
            "2": {"class_type": "CLIPTextEncode", "inputs": {"clip": ["1", 1], "text": ""}},
            "3": {"class_type": "LoadImage", "inputs": {"image": picture.name}},
            "4": {"class_type": "VAEEncode", "inputs": {"vae": ["1", 2], "pixels": ["3", 0]}},
            "5": {
                "class_type": "KSampler",
                "inputs": {
                    "model": ["1", 0], "positive": ["2", 0], "negative": ["2", 0], "latent_image": ["4", 0], "seed": 0,
                    "steps": 1, "cfg": 1.0, "sampler_name": "euler", "scheduler": "normal", "denoise": 1.0,
                },
            },
            "6": {"class_type": "VAEDecode", "inputs": {"vae": ["1", 2], "samples": ["5", 0]}},
            "7": {"class_type": "PreviewImage", "inputs": {"images": ["6", 0]}},
        }  # fmt: skip
        server.run(stock)
        loaded, baseline = memory.now(), memory.peak
        start = time.monotonic()
        entry = server.run(prompt)
        seconds = time.monotonic() - start
        (key,) = [k for k, n in prompt.items() if n["class_type"] == "SaveImage"]
        (image,) = entry["outputs"][key]["images"]
        result = Image.open(environment.BASE / "output" / image["filename"])
    assert result.size == (WIDTH, HEIGHT)
    extra = memory.peak - loaded
    print(
        f"\nSD1.5 at {WIDTH}x{HEIGHT}: {seconds:.0f} s; {loaded:.1f} GB with the checkpoint loaded (peak of a stock "
        f"KSampler run {baseline:.1f}), peak {memory.peak:.1f} GB, so {extra:.1f} GB on top; the U-Net is 3.4 GB"
    )
    # LoRA patches keep the 0.4 GB of attention weights they change; the rest is activations
    assert extra < 2.5


def test_epsilon_of_the_adapted_unet_is_comfyuis(checkpoint):
    """In a process of its own, with the LoRA on the MODEL."""
    code = f"""
import importlib, sys
sys.path.insert(0, {str(ROOT / "tests" / "nodes")!r})
import conftest, torch
pack = conftest.load_pack()
conditioning, lent = (importlib.import_module(f"{{pack.__name__}}.nodes.{{name}}") for name in ("conditioning", "lent"))
tune = importlib.import_module(pack.__name__ + ".nodes.lora_tune").LoRATune
import comfy.sd
with torch.inference_mode():
    model, clip, vae, _ = comfy.sd.load_checkpoint_guess_config({str(checkpoint)!r}, output_vae=True, output_clip=True)
    positive = clip.encode_from_tokens_scheduled(clip.tokenize("a photo"))
    image = torch.rand(1, {HEIGHT}, {WIDTH}, 3)
    model, _ = tune.execute(model, vae, image, positive, "custom", 2, 16, 0.01, 1, 0, "auto", "").args
    text, z = conditioning.text_of(positive), torch.randn(1, 4, {HEIGHT // 8}, {WIDTH // 8})
    for t in (21, 741):
        theirs = conftest.comfyui_epsilon(model, z, t, text)
        with lent.diffusers_model(model, z.shape) as borrowed, torch.no_grad():
            ours = borrowed.predict(z, t, text)
        difference = (ours - theirs).abs().max().item()
        print("t", t, "largest difference", difference, "of", theirs.abs().max().item())
        assert difference < 1e-4
        own = {{p.data_ptr() for p in model.model.parameters()}}
        assert all(p.data_ptr() in own for p in borrowed.unet.parameters())
"""
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    print(result.stdout)
    assert result.returncode == 0, result.stderr[-3000:]


def test_command_line_reads_the_single_file(checkpoint, picture, tmp_path):
    out = tmp_path / "out.png"
    command = [
        sys.executable, "-m", "gooddrag", "edit", str(picture), "--points", "100,100>140,110", "--model",
        str(checkpoint), "--lora-steps", "0", "--operations", "0", "-o", str(out),
    ]  # fmt: skip
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-2000:]
    assert Image.open(out).size == (WIDTH, HEIGHT)
