"""Train a ControlNet (arXiv 2302.05543) of the demo world: ``python -m gooddrag.demo.control --out FOLDER``.

Its hint is the outline of what is seen (``outline``), so that a drag can be told where outlines shall be: the source's own, or
those of the result that is wanted.
"""

from __future__ import annotations

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from diffusers import ControlNetModel, DDIMScheduler
from torch import Tensor

from ..network.conditioning import Conditioning, adding
from . import drags, load, wordless, world
from .train import SCHEDULER_CONFIG, Trainer, add_bf16, decide_bf16, render_many, scaled, timesteps, weights

STEP = 24
"""Levels of 255 between neighbouring pixels that make an outline."""


def outline(picture: np.ndarray) -> np.ndarray:
    """Where a picture ``(H, W, 3)`` uint8 has an edge: ``(H, W)`` bool."""
    p = picture.astype(np.int16)
    down = np.abs(np.diff(p, axis=0, append=p[-1:])).max(axis=2)
    right = np.abs(np.diff(p, axis=1, append=p[:, -1:])).max(axis=2)
    return np.maximum(down, right) >= STEP


def hint(outlines: Tensor) -> Tensor:
    """What the ControlNet is given, ``(n, 3, H, W)`` in 0..1, of outlines ``(n, H, W)`` bool."""
    return outlines[:, None].float().expand(-1, 3, -1, -1)


def train(args: argparse.Namespace) -> ControlNetModel:
    torch.manual_seed(args.seed)
    model, vae = load(args.device)
    unet, told = model.unet, Conditioning.of(wordless(model.unet, world.SIZE))
    text = told.text.to(args.device)
    net = ControlNetModel.from_unet(unet, conditioning_channels=3)
    trainer = Trainer("control", net, args, args.steps, lr=args.lr)
    alphas = DDIMScheduler(**SCHEDULER_CONFIG).alphas_cumprod.to(trainer.device)

    @torch.no_grad()
    def seen(pictures: list[np.ndarray]) -> tuple[Tensor, Tensor]:
        """Latents and outlines."""
        with trainer.autocast():
            z = vae.encoder(scaled(np.stack(pictures)).to(trainer.device)).float()
        return z, torch.from_numpy(np.stack([outline(p) for p in pictures])).to(trainer.device)

    scenes, parts = render_many(args.seed, args.pool, args.workers), []
    while batch := list(islice(scenes, 64)):
        parts.append(seen(batch))
    latents, outlines = (torch.cat(part) for part in zip(*parts))
    test = seen([drags.drag("move", 3000 + i).picture() for i in range(args.held_out)])

    def errors(control: ControlNetModel, z: Tensor, seen: Tensor, t: Tensor, noise: Tensor) -> Tensor:
        a = alphas[t][:, None, None, None]
        noisy, words = a.sqrt() * z + (1 - a).sqrt() * noise, text.expand(len(z), -1, -1)
        with trainer.autocast(), adding(unet, told.added):
            down, mid = control(noisy, t, words, hint(seen), return_dict=False)
            eps = unet(noisy, t, words, down_block_additional_residuals=down, mid_block_additional_residual=mid).sample
        return (eps.float() - noise).pow(2).mean(dim=(1, 2, 3))

    def loss_of_step(step: int) -> Tensor:
        rng = np.random.default_rng((args.seed, step, 3))
        i = torch.from_numpy(rng.integers(0, args.pool, args.batch)).to(trainer.device)
        z, t = latents[i], timesteps(rng, args.batch).to(trainer.device)
        return (errors(trainer.model, z, outlines[i], t, torch.randn_like(z)) * weights(alphas[t])).mean()

    @torch.no_grad()
    def evaluate() -> dict:
        z, seen_there = test
        noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(0)).to(trainer.device)
        t = torch.full((len(z),), 401, device=trainer.device)
        blank = torch.zeros_like(seen_there)
        return {
            "eps_mse_401": float(errors(trainer.average, z, seen_there, t, noise).mean()),
            "eps_mse_401_without_hint": float(errors(trainer.average, z, blank, t, noise).mean()),
        }

    trainer.run(loss_of_step, evaluate)
    return trainer.average


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="folder of the checkpoint, and of the finished ControlNet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    add_bf16(parser)
    parser.add_argument("--every", type=int, default=250, help="steps between checkpoints")
    parser.add_argument("--steps", type=int, default=4_000)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=5e-4)
    parser.add_argument("--pool", type=int, default=10_000, help="scenes")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw them")
    parser.add_argument("--held-out", type=int, default=32, help="drags whose pictures judge it")
    args = parser.parse_args(argv)
    decide_bf16(args)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    train(args).half().save_pretrained(Path(args.out) / "controlnet", max_shard_size="12MB")


if __name__ == "__main__":
    main()
