"""Points, masks and sizes: the one place where coordinates are converted.

Conventions
-----------
* People and files: picture pixels, ``(x, y)``, origin at the top left, 0 <= x <= width - 1.
* Engine: cells of the feature grid, ``(row, col)``. The grid has half the resolution of the (padded) picture, four
  cells for each latent cell; picture pixel ``x`` lies in grid column ``x / 2``, rounded half to even.
* A feature map of any resolution is read on the grid as if it had been upsampled to it bilinearly
  (``align_corners=False``); between cells the grid itself is interpolated bilinearly. Both interpolations are
  separable and linear, so a patch is ``rows @ feature @ cols^T`` and the upsampled map is never made.
* Pictures whose sides are not multiples of 8 are padded at the right and bottom by reflection, never stretched.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from ..finite import finite
from .sizes import apart, for_picture, rescaled, same_shape
from .value import Pair, Point, Value, dump, is_anchor, parse

LATENT_CELL = 8
"""Picture pixels to a latent cell."""
GRID_CELL = 2
"""Picture pixels to a cell of the feature grid."""
MIN_SIDE = 64
MAX_PAIRS = 64


@dataclass(frozen=True)
class DragPoints:
    """Pairs of a handle and the target that it is to be dragged to, in pixels of a picture.

    ``handles[i]`` and ``targets[i]`` are ``(x, y)``; ``width`` and ``height`` are the picture's, ``picture`` is a fingerprint of it
    where that is known. A pair that lies on one pixel is an anchor: what is there must stay. Raises ``ValueError`` when there is no
    pair, more than ``MAX_PAIRS``, or a point that is not in the picture.
    """

    handles: tuple[Point, ...]
    targets: tuple[Point, ...]
    width: int
    height: int
    picture: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if len(self.handles) != len(self.targets):
            raise ValueError(
                f"{len(self.handles)} handles but {len(self.targets)} targets; every handle needs its target"
            )
        if not self.handles:
            raise ValueError("no points were given; place at least one handle and its target")
        if len(self.handles) > MAX_PAIRS:
            raise ValueError(f"{len(self.handles)} pairs were given, at most {MAX_PAIRS} are allowed; remove some")
        for kind, points in (("handle", self.handles), ("target", self.targets)):
            for i, (x, y) in enumerate(points):
                if not (math.isfinite(x) and math.isfinite(y)):
                    raise ValueError(f"{kind} {i + 1} is ({x:g}, {y:g}), which is not a finite number of pixels")
                if not (0 <= x <= self.width - 1 and 0 <= y <= self.height - 1):
                    raise ValueError(
                        f"{kind} {i + 1} at ({x:g}, {y:g}) lies outside the {self.width}x{self.height} picture; "
                        f"x must be 0 to {self.width - 1} and y 0 to {self.height - 1}"
                    )

    def __len__(self) -> int:
        return len(self.handles)

    @property
    def moving(self) -> tuple[bool, ...]:
        """Of each pair: whether it is dragged, and no anchor."""
        return tuple(not is_anchor(*pair) for pair in zip(self.handles, self.targets))

    @property
    def arrows(self) -> tuple[tuple[Point, Point], ...]:
        """Handle and target of each pair that is dragged, without anchors."""
        return tuple(pair for pair in zip(self.handles, self.targets) if not is_anchor(*pair))

    @property
    def ends(self) -> tuple[Point, ...]:
        """Where the handles shall be: their targets, and anchors where they are."""
        return tuple(t if moves else h for h, t, moves in zip(self.handles, self.targets, self.moving))

    def lengthened(self, factor: float) -> DragPoints:
        """The same handles, their targets at ``factor`` of the way, kept inside the picture; anchors stay anchors, and arrows
        arrows: no shorter than a pixel."""

        def along(handle: Point, target: Point) -> Point:
            if is_anchor(handle, target):
                return target
            x, y = (h + factor * (t - h) for h, t in zip(handle, target))
            end = min(max(x, 0), self.width - 1), min(max(y, 0), self.height - 1)
            direction = target[0] - handle[0], target[1] - handle[1]
            _, end = apart(handle, end, direction, (self.width, self.height))
            return target if is_anchor(handle, end) else end

        return dataclasses.replace(self, targets=tuple(map(along, self.handles, self.targets)))

    def fitted(self, size: tuple[int, int]) -> DragPoints:
        """The same drag in the same picture of another ``size`` (width, height). Arrows stay arrows, see
        ``sizes.rescaled``. Raises ``ValueError`` when that has another shape."""
        size = (int(size[0]), int(size[1]))
        if (self.width, self.height) == size:
            return self
        if not same_shape((self.width, self.height), size):
            raise ValueError(
                f"the points were placed on a {self.width}x{self.height} picture, but the picture is {size[0]}x{size[1]}, which "
                "has another shape; connect the same picture to both"
            )
        pairs = tuple(Pair(h, t) for h, t in zip(self.handles, self.targets))
        pairs = rescaled(Value(pairs, size=(self.width, self.height)), size).pairs
        return DragPoints.from_pairs([(p.handle, p.target) for p in pairs], *size)

    @classmethod
    def from_pairs(cls, pairs: Iterable[tuple[Point, Point]], width: int, height: int) -> DragPoints:
        """From ``[(handle, target), ..]``, each point ``(x, y)``."""
        pairs = [tuple((float(x), float(y)) for x, y in pair) for pair in pairs]
        return cls(tuple(h for h, _ in pairs), tuple(t for _, t in pairs), width, height)

    @classmethod
    def from_value(cls, value: Value, width: int, height: int) -> DragPoints:
        """The pairs of an editor's value that are not off, in pixels of a picture of this size; see ``sizes.for_picture``."""
        pairs = for_picture(value, (width, height)).pairs
        return cls.from_pairs([(p.handle, p.target) for p in pairs if not p.off], width, height)

    @classmethod
    def from_value_or(cls, value: Value, suggestion: DragPoints | None, width: int, height: int) -> DragPoints:
        """The same; where it holds no arrow, only anchors or nothing, ``suggestion`` with its anchors, moved along as ``fitted``
        does. Raises ``ValueError`` when there is neither, and for a suggestion on a picture of another shape; that anchors alone
        drag nothing, ``check_fit`` says."""
        on = [(p.handle, p.target) for p in for_picture(value, (width, height)).pairs if not p.off]
        if any(not is_anchor(*pair) for pair in on) or (on and suggestion is None):
            return cls.from_pairs(on, width, height)
        if suggestion is None:
            raise ValueError("no points were given; place at least one handle and its target")
        suggestion = suggestion.fitted((width, height))
        if not on:
            return suggestion
        return cls.from_pairs([*zip(suggestion.handles, suggestion.targets), *on], width, height)

    @classmethod
    def from_text(cls, text: str, width: int, height: int) -> DragPoints:
        """From ``"x,y>x,y; x,y>x,y"``, the form of the command line."""
        pairs = []
        for i, part in enumerate(p for p in text.split(";") if p.strip()):
            try:
                (x, y), (u, v) = (map(float, side.split(",")) for side in part.split(">"))
            except ValueError:
                raise ValueError(
                    f"pair {i + 1} is {part.strip()[:60]!r}; write it as x,y>x,y, for example 60,64>84,72"
                ) from None
            pairs.append(((x, y), (u, v)))
        return cls.from_pairs(pairs, width, height)

    @classmethod
    def from_json(cls, text: str, width: int, height: int) -> DragPoints:
        """From any of the forms that ``value.parse`` reads."""
        return cls.from_value(parse(text), width, height)

    def to_json(self) -> str:
        pairs = tuple(Pair(h, t) for h, t in zip(self.handles, self.targets))
        return dump(Value(pairs, size=(self.width, self.height)))


def padded(side: int) -> int:
    """The next multiple of 8."""
    return -(-side // LATENT_CELL) * LATENT_CELL


def pad(image: Tensor) -> Tensor:
    """Reflect ``(b, c, H, W)`` at the right and bottom to sides that are multiples of 8."""
    height, width = image.shape[-2:]
    if min(height, width) < MIN_SIDE:
        raise ValueError(
            f"the picture is {width}x{height}; both sides must be at least {MIN_SIDE} pixels, so enlarge it first"
        )
    extra = (0, padded(width) - width, 0, padded(height) - height)
    return F.pad(image, extra, mode="reflect") if any(extra) else image


def crop(image: Tensor, width: int, height: int) -> Tensor:
    """Undo ``pad``."""
    return image[..., :height, :width]


def grid_size(latent: Tensor) -> tuple[int, int]:
    """Rows and columns of the feature grid that belongs to a latent ``(b, c, h, w)``."""
    factor = LATENT_CELL // GRID_CELL
    return latent.shape[-2] * factor, latent.shape[-1] * factor


def to_grid(points: Sequence[Point], grid: tuple[int, int]) -> Tensor:
    """Pixels ``(x, y)`` to whole grid cells ``(row, col)``, float32 ``(n, 2)``, kept inside the grid."""
    xy = torch.tensor(points, dtype=torch.float32)
    cells = torch.round(xy.flip(-1) / GRID_CELL)
    return torch.minimum(cells, torch.tensor(grid, dtype=torch.float32) - 1)


def to_pixels(cells: Tensor, size: tuple[int, int]) -> list[Point]:
    """Grid cells ``(n, 2)`` to pixels ``(x, y)``, inside a picture of ``(width, height)``."""
    return [(min(c * GRID_CELL, size[0] - 1), min(r * GRID_CELL, size[1] - 1)) for r, c in cells.tolist()]


@lru_cache(maxsize=32)
def _upsampling(size: int, cells: int) -> Tensor:
    """The matrix ``(cells, size)`` of torch's bilinear upsampling along one axis."""
    return F.interpolate(torch.eye(size, dtype=torch.float64)[None], cells, mode="linear", align_corners=False)[0].T


def sample_patches(feature: Tensor, centres: Tensor, radius: int, grid: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Read square patches of a feature map on the feature grid.

    ``feature`` ``(1, C, h, w)`` at its own resolution; ``centres`` float32 ``(n, 2)`` as (row, col), fractions allowed.
    Returns patches ``(n, C, 2r+1, 2r+1)``, differentiable in ``feature``, and a mask ``(n, 2r+1, 2r+1)`` that is
    False where a patch reaches beyond the grid; there the patch repeats the border.
    """
    corner = centres.floor()
    steps = torch.arange(-radius, radius + 2)
    cells = corner.long()[:, :, None] + steps  # (n, 2, 2r+2) whole rows and columns
    limit = torch.tensor(grid)[:, None] - 1
    (rows, cols), (h, w) = torch.minimum(cells.clamp(min=0), limit).unbind(1), feature.shape[-2:]
    # rounded before they are moved: not every device has float64
    rows, cols = (
        m.to(feature.dtype).to(feature.device) for m in (_upsampling(h, grid[0])[rows], _upsampling(w, grid[1])[cols])
    )
    block = torch.einsum("nih,chw,njw->ncij", rows, feature[0], cols)

    # bilinear between the cells; the four weights are rounded to float32 like the authors'
    fy, fx = (centres - corner).unbind(1)
    weights = torch.stack([(1 - fx) * (1 - fy), (1 - fx) * fy, fx * (1 - fy), fx * fy]).to(feature)[
        ..., None, None, None
    ]
    upper, lower = block[:, :, :-1], block[:, :, 1:]
    corners = (upper[..., :-1], lower[..., :-1], upper[..., 1:], lower[..., 1:])
    patches = sum(weight * part for weight, part in zip(weights, corners))

    position = centres[:, :, None] + steps[:-1]
    inside = (position >= 0) & (position <= limit)
    return patches, (inside[:, 0, :, None] & inside[:, 1, None, :]).to(feature.device)


def check_fit(points: DragPoints, mask: Tensor | None, size: tuple[int, int]) -> None:
    """Raise ``ValueError`` unless something is dragged, and points and mask ``(H, W)`` belong to a picture of ``size`` (width,
    height)."""
    if (points.width, points.height) != tuple(size):
        raise ValueError(
            f"the points were placed on a {points.width}x{points.height} picture, but the picture is "
            f"{size[0]}x{size[1]}; connect the same picture to both"
        )
    if not any(points.moving):
        raise ValueError(
            f"only pins were given ({len(points)}), which hold what is there, so nothing would be dragged; "
            "draw an arrow, a handle with its target elsewhere"
        )
    if mask is None:
        return
    if tuple(mask.shape) != (size[1], size[0]):
        raise ValueError(
            f"the mask is {mask.shape[-1]}x{mask.shape[-2]} and the picture {size[0]}x{size[1]}; "
            "they must have the same size"
        )
    if not (finite(mask, "the mask", "paint it anew") > 0).any():
        raise ValueError("the mask is empty: white is what may change, so nothing could move; paint it or remove it")


def _may_change(mask: Tensor, x: float, y: float) -> bool:
    """At a place in pixels: whether ``latent_mask`` has the cell there."""
    row, column = (LATENT_CELL * (round(v) // LATENT_CELL) for v in (y, x))
    return bool(mask[row, column] > 0)


def protected_handles(points: DragPoints, mask: Tensor) -> list[Point]:
    """The handles, (x, y) in pixels, in latent cells that the mask ``(H, W)`` leaves out: they cannot move. Anchors need not."""
    pairs = zip(points.handles, points.targets)
    return [(x, y) for (x, y), target in pairs if not is_anchor((x, y), target) and not _may_change(mask, x, y)]


def protected_targets(points: DragPoints, mask: Tensor) -> list[Point]:
    """The targets, (x, y) in pixels, in latent cells that the mask ``(H, W)`` leaves out: drags end at its border."""
    pairs = zip(points.targets, points.moving)
    return [(x, y) for (x, y), moves in pairs if moves and not _may_change(mask, x, y)]


STUCK = "What lies under the handle at {} may not change, so it cannot move: widen the mask there."
CUT_OFF = "The target at {} lies where nothing may change: what is dragged there is cut off at the mask's border."


def protected(points: DragPoints, mask: Tensor) -> list[str]:
    """A sentence each for handles and targets that lie where the mask ``(H, W)`` is 0, if any do."""
    found = (STUCK, protected_handles(points, mask)), (CUT_OFF, protected_targets(points, mask))
    return [words.format(" and ".join(f"({x:g}, {y:g})" for x, y in ends)) for words, ends in found if ends]


def latent_mask(mask: Tensor | None, latent: Tensor) -> Tensor:
    """Editable cells of a latent ``(b, c, h, w)``: ``(1, 1, h, w)`` of 0 and 1 in the latent's dtype.

    ``mask`` is ``(H, W)`` in pixels of the unpadded picture; any value above 0 is editable; None edits everywhere.
    Resized by nearest neighbour to the feature grid and from there to the latent. Raises ``ValueError`` when
    no cell is left.
    """
    h, w = latent.shape[-2:]
    if mask is None:
        return torch.ones(1, 1, h, w, dtype=latent.dtype, device=latent.device)
    editable = (mask > 0).to(latent)[None, None]
    height, width = mask.shape
    editable = F.pad(editable, (0, w * LATENT_CELL - width, 0, h * LATENT_CELL - height), mode="replicate")
    cells = F.interpolate(F.interpolate(editable, grid_size(latent), mode="nearest"), (h, w), mode="nearest")
    if not cells.any():
        raise ValueError("the mask is thinner than a latent cell of 8 pixels and vanishes; paint it broader")
    return cells
