"""Figure 4: ten noises added to z_T at once, or one at each of ten timesteps, and what denoising leaves of the picture.

The paper concludes that small changes spread over denoising are mended and large ones are not. The same sum added at once *after*
the ten steps is beside them here, which the paper does not show: it tells whether it is the spreading or the lateness.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from ..methods import Prepared
from ..metrics import psnr, ssim
from ..tables import over, told
from .shown import Shown, table

NOISES, DEVIATION = 10, 0.1
WAYS = {
    "at once": "all at z_T",
    "one a step": "one at each of ten timesteps",
    "at once, later": "all at the last of these",
}


def _added(way: str, noises: Tensor, i: int) -> Tensor | None:
    """What is added to z before timestep number ``i``."""
    if way == "one a step":
        return noises[i] if i < NOISES else None
    return noises.sum(dim=0) if i == (0 if way == "at once" else NOISES - 1) else None


@torch.no_grad()
def _denoised(prepared: Prepared, way: str | None, noises: Tensor) -> np.ndarray:
    inversion = prepared.inversion()
    z = inversion.latent
    for i, t in enumerate(inversion.schedule.timesteps):
        if way and (noise := _added(way, noises, i)) is not None:
            z = z + noise
        z, _ = inversion.schedule.denoise(prepared.model.predict(z, t, inversion.text), t, z)
    return prepared.picture(z)


def show(pictures: Iterator[Prepared]) -> Shown:
    rows, examples = [], []
    for n, prepared in enumerate(pictures):
        with prepared.fitted():
            z = prepared.inversion().latent
            noises = DEVIATION * torch.randn((NOISES, *z.shape), generator=torch.Generator().manual_seed(n)).to(z)
            plain = _denoised(prepared, None, noises)
            made = {way: _denoised(prepared, way, noises) for way in WAYS}
        for way, picture in made.items():
            a, b = (np.float32(p) / 255 for p in (plain, picture))
            rows.append({"sample": prepared.sample.name, "way": way, "psnr": psnr(a, b), "ssim": ssim(a, b)})
        if len(examples) < 3:
            examples.append((plain, *made.values()))

    def of(way: str, name: str) -> np.ndarray:
        return np.array([r[name] for r in rows if r["way"] == way])

    lines = [[words, told(of(way, "psnr"), ".1f"), told(of(way, "ssim"), ".3f")] for way, words in WAYS.items()]
    gain, late = (told(of("one a step", "psnr") - of(way, "psnr"), "+.1f") for way in ("at once", "at once, later"))
    finding = "\n\n".join(
        [
            f"Noises of deviation {DEVIATION:g}, {NOISES} of them; likeness to the picture that was denoised undisturbed, means "
            f"{over(len(of('at once', 'psnr')), 'picture')}:",
            table(["noises", "PSNR, dB", "SSIM"], lines),
            f"One a step keeps the picture {gain} dB better than all at z_T. Against all at the last of the ten steps it is "
            f"{late} dB.",
        ]
    )

    def draw(figure) -> None:
        axes = figure.subplots(len(examples), 4, squeeze=False)
        for row, pictures_ in zip(axes, examples):
            for axis, picture in zip(row, pictures_):
                axis.imshow(picture)
                axis.set_axis_off()
        for axis, words in zip(axes[0], ("undisturbed", *WAYS.values())):
            axis.set_title(words, fontsize=9)

    return Shown(rows, finding, (9, 2.4 * len(examples)), draw)
