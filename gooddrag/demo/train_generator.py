"""Train the demo world's generator from nothing: ``python -m gooddrag.demo.train_generator --out FOLDER``.

Regression of rendered scenes on their numbers, coarse resolutions first. Scenes come from a pool that is renewed while training
goes on; the held-out ones (``world.scene``) are never among them. It goes on from its own checkpoint.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from . import world
from .generator import GENERATOR, Generator, described, difference
from .train import Trainer, held_out, psnr, scaled, scene

STAGES = ((0.5, 32), (0.85, 64), (1.0, world.SIZE))
"""Up to which share of the steps which resolution is trained: what is coarse is learnt at a fraction of the cost."""


class Pool:
    """Numbered training scenes and their pictures; the oldest give way to new ones."""

    def __init__(self, seed: int, count: int):
        self.seed, self.next = seed, 0
        self.numbers = np.empty((count, len(described(world.scene(0)))), np.float32)
        self.pictures = np.empty((count, world.SIZE, world.SIZE, 3), np.uint8)
        self.renew(count)

    def renew(self, count: int) -> None:
        for _ in range(count):
            drawn = scene(self.seed, self.next)
            slot = self.next % len(self.numbers)
            self.numbers[slot], self.pictures[slot] = described(drawn), world.render(drawn)
            self.next += 1

    def drawn(self, rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor]:
        chosen = rng.integers(0, len(self.numbers), count)
        return torch.from_numpy(self.numbers[chosen]), scaled(self.pictures[chosen])


def resolution(share: float, stages: tuple[tuple[float, int], ...]) -> int:
    """Of the pictures when ``share`` of the steps has been trained."""
    return next(size for end, size in stages if share < end)


def train(args: argparse.Namespace) -> Generator:
    torch.manual_seed(args.seed)
    known = Generator.load(args.known).requires_grad_(True).train() if args.known else None
    trainer = Trainer("generator", known or Generator(), args, args.steps, lr=args.lr)
    stages = STAGES[-1:] if known else STAGES
    test = held_out(args.held_out).to(trainer.device)
    numbers = torch.from_numpy(np.stack([described(world.scene(i)) for i in range(args.held_out)])).to(trainer.device)
    pool = Pool(args.seed, args.pool)

    def loss_of_step(step: int) -> Tensor:
        pool.renew(args.renew)
        given, wanted = (
            x.to(trainer.device) for x in pool.drawn(np.random.default_rng((args.seed, step, 5)), args.batch)
        )
        size = resolution(step / args.steps, stages)
        model = trainer.model
        with trainer.autocast():
            made = model(model.spread(model.mapping(given)), size)
        return difference(made.float(), F.interpolate(wanted, (size, size), mode="area"))

    @torch.no_grad()
    def evaluate() -> dict:
        model = trainer.average
        size = resolution((trainer.step - 1) / args.steps, stages)
        made = model(model.spread(model.mapping(numbers)), size)
        return {"size": size, "psnr": psnr(made, F.interpolate(test, (size, size), mode="area"))}

    trainer.run(loss_of_step, evaluate)
    return trainer.average


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", required=True, help="folder of the checkpoint")
    parser.add_argument(
        "--release", type=Path, help=f"write the generator here when done; the package's is {GENERATOR}"
    )
    parser.add_argument(
        "--known", type=Path, help="folder of a finished generator, which goes on at the last resolution"
    )
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--bf16", action=argparse.BooleanOptionalAction, default=False)
    parser.add_argument("--every", type=int, default=100, help="steps between checkpoints")
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=1.5e-3)
    parser.add_argument("--pool", type=int, default=3000, help="scenes that are kept")
    parser.add_argument("--renew", type=int, default=2, help="scenes of the pool replaced at every step")
    parser.add_argument("--held-out", type=int, default=16, help="held-out scenes that judge the generator")
    args = parser.parse_args(argv)
    Path(args.out).mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    generator = train(args)
    if args.release:
        generator.save(args.release)


if __name__ == "__main__":
    main()
