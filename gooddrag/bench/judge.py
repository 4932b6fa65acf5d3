"""All that is measured of one edit, as one row of numbers."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import torch
from PIL import Image

from ..demo import truth
from ..network import codec
from .methods import Edited, Prepared
from .metrics import dai, fidelity, matching
from .metrics.dai import GAMMAS
from .metrics.no_reference import quality
from .metrics.similarity import likeness, psnr, ssim

SD_WIDTH, DIFT_BLOCK = 320, "up_blocks.1"
"""DIFT's block is a published choice for networks of this width; a smaller model is read where its drags are supervised."""


class Judge:
    """Of one prepared picture: what of it is the same for all its edits is computed once. ``no_reference``: TReS, MUSIQ and TOPIQ
    too, which need the package pyiqa."""

    def __init__(self, prepared: Prepared, *, no_reference: bool = False):
        self.no_reference = no_reference
        self.prepared, self.sample = prepared, prepared.sample
        unet = prepared.model.unet
        wide = unet.config.block_out_channels[0] >= SD_WIDTH
        self.block = DIFT_BLOCK if wide else prepared.model.family.feature_block
        self.features = matching.dift(prepared.model, prepared.text, self.block)

    @cached_property
    def _original(self) -> torch.Tensor:
        return self.features(self.prepared.z0)

    def row(self, edited: Edited) -> dict[str, float | int | str | None]:
        """Figures of an edit; NaN where one does not apply. All but ``outside`` compare with the picture itself, not with what the
        autoencoder makes of it."""
        sample, mask = self.sample, self.sample.mask
        original, result = (_unit(p) for p in (sample.picture, edited.picture))
        handles, targets = zip(*sample.points.arrows)
        name, like = likeness()
        row: dict[str, float | int | str | None] = {
            **{f"dai_{gamma}": dai(original, result, handles, targets, gamma) for gamma in GAMMAS},
            "dai_authors": dai(original, result, handles, targets, 1, "authors"),
            **self._distances(edited, handles, targets),
            "left": edited.left,
            "if": like(original, result),
            "if_by": name,
            "if_bg": fidelity.background(like, original, result, mask),
            "if_s2t": fidelity.source_to_target(like, original, result, handles, targets),
            "if_s2s": fidelity.source_to_source(like, original, result, handles),
            "psnr": psnr(original, result),
            "outside": fidelity.outside(_unit(self.prepared.undragged), result, mask),
            "operations": edited.operations,
            "ended": edited.ended,
        }
        if self.no_reference:
            row |= quality(result, str(self.prepared.model.device))
        return row | self._truth(result)

    @torch.no_grad()
    def _distances(self, edited: Edited, handles, targets) -> dict[str, float]:
        size, mask = self.sample.size, self.sample.mask
        z, _ = codec.encode(self.prepared.vae, codec.to_tensor(Image.fromarray(edited.picture)).to(self.prepared.z0))
        maps = self._original, self.features(z)

        def found(allowed: np.ndarray | None) -> np.ndarray:
            return matching.matched(*maps, handles, size, allowed)

        near = found(matching.discs(handles, targets, size))
        return {
            "md": matching.mean_distance(found(None), targets),
            "md2": matching.relative_distance(near, targets, size),
            "m_md": matching.mean_distance(found(mask), targets),
        }

    def _truth(self, result: np.ndarray) -> dict[str, float]:
        sample = self.sample
        if sample.truth is None:
            return {}
        wanted, mask = _unit(sample.truth), sample.mask
        where = np.ones(sample.picture.shape[:2], bool) if mask is None else mask
        row = {
            "ratio": truth.error_ratio(wanted, result, _unit(self.prepared.undragged), where),
            "true_psnr": psnr(wanted, result, where),
            "true_ssim": ssim(wanted, result, where),
        }
        name, like = likeness()
        if "LPIPS" in name:
            row["true_lpips"] = 1 - like(wanted, result)
        if sample.rendered is not None:
            row["done"] = truth.share_done(lambda f: _unit(sample.rendered(f)), result, where)
        return row


def _unit(picture: np.ndarray) -> np.ndarray:
    return np.asarray(picture, dtype=np.float32) / 255
