"""What is measured of an edit: pure functions of pictures and points.

Pictures are float arrays ``(H, W, 3)`` in 0..1, points ``(n, 2)`` as (x, y) in pixels, masks ``(H, W)`` bool.
"""

from .dai import dai
from .similarity import likeness, psnr, ssim

__all__ = ["dai", "likeness", "psnr", "ssim"]
