"""Several drags of one picture, as many at once as the memory holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor

from ..config import PAPER, DragConfig
from ..network import memory
from ..network.conditioning import Text
from ..network.family import family_of
from ..network.model import Model
from ..picture.geometry import DragPoints, check_fit
from ..progress import Progress, silent
from .drag import together
from .inversion import Inversion
from .region import Region
from .source import Source
from .state import DragResult, DragState

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


def gradient_bytes(
    unet: UNet2DConditionModel,
    inversion: Inversion,
    mask: Tensor | None,
    config: DragConfig,
    drags: int = 1,
) -> int:
    """Memory beside the weights for a gradient step of ``drag``, or of as many ``drags`` at once."""
    config = family_of(unet.config).settled(config)
    window = Region.of(unet, mask, inversion.latent, config).window
    shape = (drags, *inversion.latent.shape[1:])
    return memory.gradient_bytes(unet, shape, block=config.evaluated_block, window=window)


def at_once(points: Sequence[DragPoints], config: DragConfig) -> int:
    """How many of the drags ``drag_batch`` would do together with memory enough."""
    # an anchor's loss begins at zero, where its absolute values turn rounding into whole signs, like those of the penalty
    return len(points) if config.batched and all(all(p.moving) for p in points) else 1


def drag_batch(
    model: Model,
    inversion: Inversion,
    points: Sequence[DragPoints],
    mask: Tensor | None = None,
    config: DragConfig = PAPER,
    callback: Callable[[Progress], None] = silent,
    *,
    source: Source | None = None,
    edited: Text | None = None,
) -> list[DragResult]:
    """Several drags of one picture, one result for each of ``points``: as many at once as the free memory holds.

    The results are those of ``drag`` up to rounding; an edit whose handles have arrived leaves the batch. Without
    ``config.batched``, or with anchors, they are dragged one after the other. The other arguments and the errors are those of
    ``drag``.
    """
    for p in points:
        check_fit(p, mask, inversion.size)
    config = model.family.settled(config)
    source = source or Source(inversion, config)
    shape, most = tuple(inversion.latent.shape), at_once(points, config)
    window = Region.of(model.unet, mask, inversion.latent, config).window
    source.leave(gradient_bytes(model.unet, inversion, mask, config, most), window)
    size = memory.fitting(model.unet, shape, config.evaluated_block, config.checkpointing, window=window, most=most)
    groups = [points[i : i + size] for i in range(0, len(points), size)]
    results: list[DragResult] = []
    for i, group in enumerate(groups):

        def of_all(p: Progress, i: int = i) -> None:
            callback(replace(p, step=p.step + i * p.total, total=p.total * len(groups)))

        start = DragState.undragged(group[0], source)
        results += together(model, inversion, group, mask, config, of_all, start, edited)
    return results
