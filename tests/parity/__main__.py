"""Compare the engine with golden runs of the authors' code: ``python -m tests.parity CASE_DIR``.

Every ``*.npz`` of the folder is a case (the format is described in ``tests/parity/README.md``). Exits with 1 when any
error exceeds 1e-5 or any handle differs, with 2 when there is nothing to run.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from torch import Tensor

from gooddrag.config import DragConfig
from gooddrag.method.drag import drag
from gooddrag.method.handles import Reference
from gooddrag.method.inversion import invert
from gooddrag.method.source import Source
from gooddrag.network import codec
from gooddrag.network.model import Model
from gooddrag.picture.geometry import DragPoints, grid_size, to_grid
from gooddrag.progress import Progress

TOLERANCE = 1e-5
FIXTURE = Path(__file__).parent / "data"
SD_SCALING = 0.18215  # the authors' constant, whatever the autoencoder's configuration says


@dataclass(frozen=True)
class Outcome:
    """Largest relative errors of one case, and whether the handles agree."""

    name: str
    inverted: float
    reference_latents: float
    reference_features: float
    latents: float
    tracks: bool
    compared: tuple[int, int]

    @property
    def passed(self) -> bool:
        # written so that a NaN fails
        errors = (self.inverted, self.reference_latents, self.reference_features, self.latents)
        return self.tracks and all(error <= TOLERANCE for error in errors)


def load_networks(folder: Path) -> tuple[Model, AutoencoderKL]:
    unet = UNet2DConditionModel.from_pretrained(folder / "unet", torch_dtype=torch.float64)
    vae = AutoencoderKL.from_pretrained(folder / "vae", torch_dtype=torch.float64)
    vae.register_to_config(scaling_factor=SD_SCALING)
    return Model(unet), vae


def config_of(params: dict) -> DragConfig:
    """The authors' names to ours. Their ``drag_end_step`` counts denoising steps, their feature 0 is the mid block."""
    steps, per_step = params["drag_end_step"], params["track_per_denoise"]
    index = params["feature_idx"]
    return DragConfig(
        inference_steps=params["n_inference_step"],
        strength=params["inversion_strength"],
        operations=steps * per_step,
        operations_per_step=per_step,
        gradient_steps=params["max_drag_per_track"],
        learning_rate=params["latent_lr"],
        patience=params["max_track_no_change"],
        drag_size=params["beta"],
        supervision_radius=params["r1"],
        tracking_radius=params["r2"],
        mask_weight=params["lam"],
        feature_block=f"up_blocks.{index - 1}" if index else "mid_block",
        background="penalty",
    )


def relative(ours: Tensor | np.ndarray, theirs: np.ndarray) -> float:
    """Largest difference over the largest value, infinite for different shapes."""
    ours = np.asarray(ours)
    if ours.shape != theirs.shape:
        return float("inf")
    return float(np.abs(ours - theirs).max() / np.abs(theirs).max())


def run_case(path: Path, model: Model, vae: AutoencoderKL) -> Outcome:
    case = np.load(path)
    config = config_of(json.loads(str(case["params"])))
    height, width = case["mask"].shape
    points = DragPoints.from_pairs(case["points_xy"].reshape(-1, 2, 2).tolist(), width, height)
    x = torch.from_numpy(case["image"]).permute(2, 0, 1)[None].double() / 127.5 - 1
    mask = torch.from_numpy(case["mask"])
    text = torch.from_numpy(case["text_embedding"])

    z0, _ = codec.encode(vae, x)
    inversion = invert(model, z0, text, (width, height), config)
    handles = to_grid(points.handles, grid_size(inversion.latent))
    source = Source(inversion, config)
    reference = [
        Reference.at(handles, source.step(model, i, feature=True), config.supervision_radius)
        for i in range(len(case["reference_timesteps"]))
    ]

    latents = [inversion.latent]

    def keep(progress: Progress) -> None:
        if progress.latent is not None:
            latents.append(progress.latent)

    result = drag(model, inversion, points, mask, config, keep)
    tracked = np.array([[(y / 2, x / 2) for x, y in entry.handles] for entry in result.trace.trackings])
    n, m = int(case["stable_latents"]), int(case["stable_tracks"])
    return Outcome(
        path.stem,
        relative(inversion.latent, case["inverted_latent"]),
        relative(torch.cat([step.source.denoised for step in reference]), case["reference_latents"]),
        relative(torch.stack([step.originals for step in reference]), case["reference_handle_features"]),
        relative(torch.cat(latents[:n]), case["latents"][:n]),
        tracked[:m].shape == case["tracked_yx"][:m].shape and bool((tracked[:m] == case["tracked_yx"][:m]).all()),
        (n, m),
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__.split("\n")[0])
    parser.add_argument("cases", type=Path, help="folder of golden runs, *.npz")
    parser.add_argument("--models", type=Path, default=FIXTURE, help="folder of unet/ and vae/ if the cases bring none")
    args = parser.parse_args(argv)
    files = sorted(args.cases.glob("*.npz"))
    if not files:
        print(f"{args.cases} holds no *.npz", file=sys.stderr)
        return 2
    model, vae = load_networks(args.cases if (args.cases / "unet").is_dir() else args.models)
    print(f"{'case':32} {'inverted':>9} {'ref. z':>9} {'ref. F':>9} {'latents':>9}  handles")
    failed = 0
    for file in files:
        outcome = run_case(file, model, vae)
        failed += not outcome.passed
        print(
            f"{outcome.name:32} {outcome.inverted:9.1e} {outcome.reference_latents:9.1e} "
            f"{outcome.reference_features:9.1e} {outcome.latents:9.1e}  "
            f"{'equal' if outcome.tracks else 'DIFFER'}  ({outcome.compared[0]} latents, {outcome.compared[1]} trackings)"
            f"{'' if outcome.passed else '  FAILED'}",
            flush=True,
        )
    print(f"{len(files) - failed} of {len(files)} cases agree with the authors' code to {TOLERANCE:g}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
