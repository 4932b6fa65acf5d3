"""One-step warping of the inverted latent, of FastDrag's kind (arXiv 2405.15769): no gradient, no tracking. Denoising takes keys
and values from the unedited picture at every step."""

from __future__ import annotations

from .edited import Edited
from .prepared import Prepared


def warp(prepared: Prepared) -> Edited:
    # a drag without operations only denoises the latent that it begins with
    config = prepared.config.replace(operations=0, warp_start=True, warp_from=0)
    result = prepared.drag(config)
    return Edited(prepared.picture(result.latent), ended="warped")
