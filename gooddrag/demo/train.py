"""Train the demo model from nothing: ``python -m gooddrag.demo.train --out FOLDER``.

Two stages, each resumable from its own checkpoint in the output folder:

1. the autoencoder, on random crops of fresh scenes, or a finished one (``--vae``);
2. the U-Net of the topology of SD1.5 or of SDXL (``--topology``), epsilon prediction on latents of a pool of scenes that is renewed
   while training goes on.

Every scene is numbered and drawn from ``(seed, number)``, so a run sees the same pictures again whenever it
is repeated; the held-out scenes (``world.scene``) are never among them.
"""

from __future__ import annotations

import argparse
import copy
import json
import multiprocessing
import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from torch import Tensor, nn

from ..network.conditioning import Conditioning, adding
from ..network.precision import slowdown
from . import wordless, world
from .vae import DemoVAE

SHARED = dict(sample_size=32, in_channels=4, out_channels=4, cross_attention_dim=64, norm_num_groups=32)
TOPOLOGIES = {  # narrow; multiples of 32 because ComfyUI normalises in 32 groups
    "sd15": dict(
        **SHARED,
        block_out_channels=(64, 128, 128, 128),
        layers_per_block=1,
        attention_head_dim=(1, 2, 2, 2),  # diffusers' name for the number of heads
        down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"),
    ),
    "sdxl": dict(
        **SHARED,
        block_out_channels=(64, 128, 128),
        layers_per_block=2,
        transformer_layers_per_block=(1, 2, 4),
        attention_head_dim=(1, 2, 2),
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=64 + 6 * 256,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    ),
}
SCHEDULER_CONFIG = dict(
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    set_alpha_to_one=False,
    steps_offset=1,
    clip_sample=False,
)


def scene(seed: int, number: int) -> world.Scene:
    """Training scene ``number``; in every second one what long drags move may be anywhere."""
    rng = np.random.default_rng((seed, number))
    sampled = world.Scene.sample(rng)
    return sampled.roaming(rng) if number % 2 else sampled


def rendered(seed: int, number: int) -> np.ndarray:
    """Training scene ``number``: ``(256, 256, 3)`` uint8."""
    return world.render(scene(seed, number))


def picture(seed: int, number: int) -> Tensor:
    """Training scene ``number``: ``(3, 256, 256)`` in -1..1."""
    return scaled(rendered(seed, number)[None])[0]


def scaled(pictures: np.ndarray) -> Tensor:
    """Pictures ``(n, H, W, 3)`` uint8 as ``(n, 3, H, W)`` in -1..1."""
    return torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1


def render_many(seed: int, count: int, workers: int) -> Iterator[np.ndarray]:
    """Training scenes 0 to ``count - 1`` in their order, drawn by several processes."""
    if workers < 2:
        yield from (rendered(seed, number) for number in range(count))
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(partial(rendered, seed), range(count), chunksize=64)


def timesteps(rng: np.random.Generator, count: int) -> Tensor:
    """``(count,)``. Drags live at timesteps 1..741: nine tenths there, stratified, the rest above."""
    u = (np.arange(count) + rng.random(count)) / count
    return torch.from_numpy(np.where(u < 0.9, u / 0.9 * 760, 760 + (u - 0.9) / 0.1 * 240).astype(np.int64))


def weights(alpha: Tensor) -> Tensor:
    """Of errors at alpha-bar ``(n,)``: min-SNR-5 (arXiv 2303.09556), because what a drag needs is learnt at the noisy end."""
    return (5 * (1 - alpha) / alpha).clamp(max=1)


class Trainer:
    """What both stages share: optimiser, learning-rate schedule, moving average, checkpoint, log line."""

    def __init__(
        self,
        name: str,
        model: nn.Module,
        args: argparse.Namespace,
        steps: int,
        lr: float,
        layout: torch.memory_format = torch.channels_last,
    ):
        self.name, self.args, self.steps, self.lr = name, args, steps, lr
        self.device = torch.device(args.device)
        self.model = model.to(self.device, memory_format=layout)
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=1e-3)
        self.step, self.seconds, self.log = 0, 0.0, []
        self.path = Path(args.out) / f"{name}.pt"
        if self.path.exists():
            state = torch.load(self.path, map_location=self.device, weights_only=True)
            self.model.load_state_dict(state["model"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds, self.log = state["step"], state["seconds"], state["log"]
            print(f"{name}: resumed at step {self.step}", flush=True)

    def autocast(self):
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.args.bf16)

    def save(self) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "log": self.log,
        }
        torch.save(state, self.path.with_suffix(".tmp"))
        os.replace(self.path.with_suffix(".tmp"), self.path)

    def run(self, loss_of_step, evaluate) -> None:
        """Train until ``steps``; ``loss_of_step(step)`` gives the loss, ``evaluate()`` a dict of figures."""
        mark, running = time.process_time(), 0.0
        while self.step < self.steps:
            # warm up, hold, and decay over the last quarter
            rate = self.lr * min(1.0, (self.step + 1) / 300, 4 * (1 - self.step / self.steps))
            for group in self.optimizer.param_groups:
                group["lr"] = rate
            loss = loss_of_step(self.step)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            self.step += 1
            decay = min(0.9995, (1 + self.step) / (10 + self.step))
            with torch.no_grad():
                torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
            running += loss.item()
            if self.step % self.args.every == 0 or self.step == self.steps:
                self.seconds += time.process_time() - mark
                line = {
                    "step": self.step,
                    "loss": running / self.args.every,
                    "core_hours": self.seconds / 3600,
                    **evaluate(),
                }
                self.log.append(line)
                print(self.name, json.dumps({k: round(v, 5) for k, v in line.items()}), flush=True)
                self.save()
                mark, running = time.process_time(), 0.0


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal to noise ratio in dB of pictures in -1..1."""
    return float(10 * torch.log10(4 / (a.clamp(-1, 1) - b.clamp(-1, 1)).pow(2).mean(dim=(1, 2, 3))).mean())


def held_out(count: int) -> Tensor:
    return scaled(np.stack([world.render(world.scene(i)) for i in range(count)]))


def train_vae(args: argparse.Namespace) -> DemoVAE:
    torch.manual_seed(args.seed)
    vae = DemoVAE.load(args.known / "vae").requires_grad_(True).train() if args.known else DemoVAE()
    trainer = Trainer("vae", vae, args, args.vae_steps, args.vae_lr)
    test = held_out(min(16, args.held_out)).to(trainer.device)

    def loss_of_step(step: int) -> Tensor:
        rng = np.random.default_rng((args.seed, step, 1))
        crops = []
        for i in range(args.vae_batch // 2):
            full = picture(args.seed, step * (args.vae_batch // 2) + i)
            for _ in range(2):
                y, x = rng.integers(0, 129, 2)
                crops.append(full[:, y : y + 128, x : x + 128])
        x = torch.stack(crops).to(trainer.device, memory_format=torch.channels_last)
        model = trainer.model
        with trainer.autocast():
            z = model.encoder(x)
            # noise on the latent: small latent changes must mean small changes of the picture
            y = model.decoder(z + 0.05 * torch.randn_like(z))
        y, z = y.float(), z.float()
        d = y - x
        edges = sum((d.roll(1, k) - d).abs().mean() for k in (2, 3))
        spread = z.mean(dim=(0, 2, 3)).pow(2).mean() + (z.std(dim=(0, 2, 3)) - 1).pow(2).mean()
        return 10 * d.pow(2).mean() + d.abs().mean() + 0.25 * edges + 0.02 * spread

    @torch.no_grad()
    def evaluate() -> dict:
        z = trainer.average.encoder(test)
        return {"psnr": psnr(trainer.average.decoder(z), test), "latent_std": float(z.std())}

    trainer.run(loss_of_step, evaluate)
    return trainer.average


def train_unet(args: argparse.Namespace, vae: DemoVAE) -> UNet2DConditionModel:
    torch.manual_seed(args.seed + 1)
    unet = UNet2DConditionModel(**TOPOLOGIES[args.topology])
    if args.known:
        known = UNet2DConditionModel.from_pretrained(args.known / "unet", torch_dtype=torch.float32)
        unet.load_state_dict(known.state_dict())
    # a CPU takes a third less time without, in bfloat16; the autoencoder a seventh more
    layout = torch.contiguous_format if args.device == "cpu" else torch.channels_last
    if args.device == "cpu":
        unet.set_attn_processor(AttnProcessor())  # a fifth faster than the fused kernel at this size, in bfloat16
    trainer = Trainer("unet", unet, args, args.unet_steps, args.unet_lr, layout)
    alphas = DDIMScheduler(**SCHEDULER_CONFIG).alphas_cumprod.to(trainer.device)

    @torch.no_grad()
    def encode(x: Tensor) -> Tensor:
        with trainer.autocast():
            return vae.encoder(x.to(trainer.device, memory_format=torch.channels_last)).float()

    # latents of scenes 0..pool-1; every step the oldest few give way to new scenes
    file = Path(args.out) / "latents.npy"
    fresh = not file.exists()
    pool = (
        np.lib.format.open_memmap(
            file.with_suffix(".part.npy") if fresh else file,
            "w+" if fresh else "r+",
            np.float16,
            (args.pool, 4, 32, 32),
        )
        if fresh
        else np.load(file, mmap_mode="r+")
    )
    if fresh:
        scenes = render_many(args.seed, args.pool, args.workers)
        for start in range(0, args.pool, 32):
            batch = np.stack(list(islice(scenes, 32)))
            pool[start : start + len(batch)] = encode(scaled(batch)).cpu().numpy()
            if start % 4096 == 0:
                print(f"latents: {start} of {args.pool}", flush=True)
        pool.flush()
        os.replace(file.with_suffix(".part.npy"), file)
    test = encode(held_out(args.held_out))
    told = Conditioning.of(wordless(unet, world.SIZE))
    text = told.text.to(trainer.device)

    def errors(model: nn.Module, z: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        """Mean squared error of each element of the batch."""
        a = alphas[t][:, None, None, None]
        noisy = (a.sqrt() * z + (1 - a).sqrt() * noise).to(memory_format=layout)
        with trainer.autocast(), adding(model, told.added):
            eps = model(noisy, t, text.expand(len(z), -1, -1)).sample
        return (eps.float() - noise).pow(2).mean(dim=(1, 2, 3))

    def loss_of_step(step: int) -> Tensor:
        rng = np.random.default_rng((args.seed, step, 2))
        if args.renew:
            slots = [(step * args.renew + i) % args.pool for i in range(args.renew)]
            numbers = [args.pool + step * args.renew + i for i in range(args.renew)]
            pool[slots] = encode(torch.stack([picture(args.seed, n) for n in numbers])).cpu().numpy()
        z = torch.from_numpy(pool[rng.integers(0, args.pool, args.unet_batch)].astype(np.float32)).to(trainer.device)
        t = timesteps(rng, args.unet_batch)
        t = t.to(trainer.device)
        return (errors(trainer.model, z, t, torch.randn_like(z)) * weights(alphas[t])).mean()

    @torch.no_grad()
    def evaluate() -> dict:
        generator = torch.Generator().manual_seed(0)
        noise = torch.randn(test.shape, generator=generator).to(trainer.device)
        figures = {}
        for name, t in (("eps_mse_741", 741), ("eps_mse_401", 401), ("eps_mse_101", 101)):
            figures[name] = float(
                errors(trainer.average, test, torch.full((len(test),), t, device=trainer.device), noise).mean()
            )
        t = torch.arange(len(test), device=trainer.device) * 1000 // len(test)
        figures["eps_mse"] = float(errors(trainer.average, test, t, noise).mean())
        return figures

    trainer.run(loss_of_step, evaluate)
    return trainer.average


def release(vae: DemoVAE, unet: UNet2DConditionModel, folder: Path, held: int) -> None:
    """Write the moving averages in half precision as a diffusers folder, with preview colours fitted to ``held`` scenes."""
    copy.deepcopy(vae).half().save(folder / "vae")
    copy.deepcopy(unet).half().save_pretrained(folder / "unet")
    pictures = held_out(held)
    with torch.no_grad():
        z = vae.float().cpu().encoder(pictures)
    cells = z.permute(0, 2, 3, 1).reshape(-1, 4)
    colours = nn.functional.avg_pool2d(pictures, 8).permute(0, 2, 3, 1).reshape(-1, 3)
    fit = torch.linalg.lstsq(torch.cat([cells, torch.ones(len(cells), 1)], dim=1), colours).solution
    factors = {"factors": fit[:4].tolist(), "bias": fit[4].tolist()}
    (folder / "preview.json").write_text(json.dumps(factors, indent=1) + "\n")


def add_bf16(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--bf16", action=argparse.BooleanOptionalAction, help="arithmetic in bfloat16 (default: where it is faster)"
    )


def decide_bf16(args: argparse.Namespace) -> None:
    """Where nobody asked: what is faster on the device, and say so."""
    if args.bf16 is None:
        times = slowdown(torch.bfloat16, args.device)
        args.bf16 = times < 1
        print(
            f"{'bfloat16' if args.bf16 else 'float32'}: bfloat16 takes {times:.2g} times float32's time here",
            flush=True,
        )


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="folder of checkpoints, and of the finished model")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--topology", choices=TOPOLOGIES, default="sd15", help="whose layout the U-Net has")
    parser.add_argument("--vae", type=Path, help="folder of a finished autoencoder, instead of training one")
    parser.add_argument("--known", type=Path, help="folder of a finished model of this topology, which goes on")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw the pool of scenes")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    add_bf16(parser)
    parser.add_argument("--every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument("--vae-steps", type=int, default=5_000)
    parser.add_argument("--vae-batch", type=int, default=16)
    parser.add_argument("--vae-lr", type=float, default=1e-3)
    parser.add_argument("--unet-steps", type=int, default=20_000)
    parser.add_argument("--unet-batch", type=int, default=32)
    parser.add_argument("--unet-lr", type=float, default=8e-4)
    parser.add_argument("--pool", type=int, default=20_000, help="scenes kept as latents")
    parser.add_argument("--renew", type=int, default=2, help="scenes of the pool replaced at every step")
    parser.add_argument("--held-out", type=int, default=64, help="held-out scenes that judge the model")
    parser.add_argument("--stage", choices=("all", "vae"), default="all")
    parser.add_argument(
        "--release", type=Path, help="write the model, or only the autoencoder, as a diffusers folder here when done"
    )
    args = parser.parse_args(argv)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    decide_bf16(args)
    vae = DemoVAE.load(args.vae).to(args.device) if args.vae else train_vae(args)
    if args.stage == "vae" and args.release:
        vae.half().save(args.release / "vae")
    if args.stage == "all":
        unet = train_unet(args, vae)
        if args.release:
            release(vae, unet, args.release, args.held_out)


if __name__ == "__main__":
    main()
