"""How alike two pictures are: PSNR and SSIM, and LPIPS where its package is installed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

_C1, _C2 = 0.01**2, 0.03**2
_SIGMA, _RADIUS = 1.5, 5
"""Of SSIM's Gaussian window, 11 x 11, in pixels."""


def psnr(a: np.ndarray, b: np.ndarray, where: np.ndarray | None = None) -> float:
    """In dB, at most 100 for equal pictures; ``where`` ``(H, W)`` bool: only of these pixels."""
    a, b = (np.asarray(x, dtype=np.float64) for x in _fit(a, b))
    error = np.square(a - b) if where is None else np.square(a - b)[where]
    return float(min(-10 * np.log10(max(error.mean(), 1e-10)), 100.0))


def ssim(a: np.ndarray, b: np.ndarray, where: np.ndarray | None = None) -> float:
    """Structural similarity (Wang et al. 2004) of pictures ``(H, W, 3)`` in 0..1, the mean over channels and over the windows
    that lie in the picture, or whose centres lie ``where``; 1 for equal pictures."""
    a, b = _fit(a, b)
    if min(a.shape[:2]) < 2 * _RADIUS + 1:
        raise ValueError(f"SSIM needs pictures of at least 11x11 pixels, these are {a.shape[1]}x{a.shape[0]}")
    x, y = (torch.as_tensor(np.asarray(p, dtype=np.float64)).permute(2, 0, 1)[:, None] for p in (a, b))
    axis = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    line = torch.exp(-axis.square() / (2 * _SIGMA**2))
    line = line / line.sum()

    def mean(p: torch.Tensor) -> torch.Tensor:
        return F.conv2d(F.conv2d(p, line.view(1, 1, 1, -1)), line.view(1, 1, -1, 1))

    mx, my = mean(x), mean(y)
    vx, vy, vxy = mean(x * x) - mx * mx, mean(y * y) - my * my, mean(x * y) - mx * my
    map_ = ((2 * mx * my + _C1) * (2 * vxy + _C2) / ((mx * mx + my * my + _C1) * (vx + vy + _C2)))[:, 0].mean(dim=0)
    if where is None:
        return float(map_.mean())
    inside = torch.from_numpy(np.ascontiguousarray(where))[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
    return float(map_[inside].mean()) if inside.any() else float("nan")


Likeness = Callable[[np.ndarray, np.ndarray], float]


@cache
def likeness() -> tuple[str, Likeness]:
    """The best of what is here, with its name: ``1 - LPIPS`` with AlexNet at 224 x 224 as the field measures IF, or SSIM. Nothing
    is downloaded: AlexNet's weights must lie where torch keeps them (``docs/benchmark.md``)."""
    try:
        import lpips

        _check_weights()
        network = lpips.LPIPS(net="alex", verbose=False).eval()
    except Exception:  # not installed, or its weights are not here
        return "SSIM", ssim
    return "1 - LPIPS", lambda a, b: 1 - _distance(network, a, b)


def _check_weights() -> None:
    """Raises ``FileNotFoundError`` where torchvision would download them."""
    name = "alexnet-owt-7be5be79.pth"
    if not (Path(torch.hub.get_dir()) / "checkpoints" / name).is_file():
        raise FileNotFoundError(name)


@torch.no_grad()
def _distance(network: torch.nn.Module, a: np.ndarray, b: np.ndarray) -> float:
    x, y = (torch.as_tensor(np.asarray(p, dtype=np.float32)).permute(2, 0, 1)[None] for p in _fit(a, b))
    x, y = (F.interpolate(p, (224, 224), mode="bilinear", antialias=True) * 2 - 1 for p in (x, y))
    return float(network(x, y))


def _fit(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if a.shape != b.shape or a.ndim != 3 or a.shape[2] != 3:
        raise ValueError(
            f"the pictures have the shapes {a.shape} and {b.shape}; both must be the same (height, width, 3)"
        )
    return a, b
