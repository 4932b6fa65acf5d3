"""Figures 5 and 14: how far the handles' features drift from the original ones along a drag, with and without information
preservation, and how clearly tracking finds them.

The distance is that of Eq. 6 at the handle, the mean over channels; the heat maps are Eq. 6 around it, and a large standard
deviation means that the least is easy to tell.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch

from ...config import DragConfig
from ...method.state import DragResult
from ...method.tracking import distances
from ...network.model import Model
from ...picture.geometry import grid_size, sample_patches, to_grid
from ..methods import Prepared
from ..tables import over, told
from .shown import Shown

WITH, WITHOUT = "with IP, Eq. 8", "without IP, Eq. 7"
COLOURS = {WITH: "#0072B2", WITHOUT: "#E69F00"}
MAPS_AFTER = (1, 5, 10, 20)
"""Operations after which the first picture's heat map is drawn."""


def _config(prepared: Prepared, kind: str, **changes) -> DragConfig:
    return prepared.config.replace(information_preserving=kind == WITH, **changes)


@torch.no_grad()
def heat(model: Model, result: DragResult, config: DragConfig) -> np.ndarray:
    """Eq. 6 around the first moving handle where the drag stopped, ``(2 r2 + 1, 2 r2 + 1)``, the mean over channels; NaN beyond the
    border."""
    state, block = result.state, model.family.settled(config).feature_block
    inversion = state.source.inversion
    t, grid = inversion.schedule.timesteps[state.index], grid_size(state.latent)
    look = {"text": inversion.text, "block": block}
    feature = model.features(state.latent, t, **look)
    original = model.features(state.source.steps[state.index].latent, t, **look)
    first = state.points.moving.index(True)
    cells = to_grid(state.points.handles, grid)[first : first + 1]
    patch, _ = sample_patches(original, cells, 0, grid)
    radius = config.tracking_radius
    apart = distances(feature, patch[:, :, 0, 0], state.handles[first : first + 1], radius=radius, grid=grid)[0]
    return torch.where(apart.isinf(), torch.nan, apart / feature.shape[1]).cpu().numpy()


def show(pictures: Iterator[Prepared]) -> Shown:
    rows, maps, name = [], {}, ""
    for prepared in pictures:
        name = name or prepared.sample.name
        with prepared.fitted():
            for kind in (WITH, WITHOUT):
                config = _config(prepared, kind)
                result = prepared.drag(config)
                spread = float(np.nanstd(heat(prepared.model, result, config)))
                moving = result.trace.points.moving
                for step in result.trace.trackings:
                    if step.loss is None:
                        continue
                    apart = float(np.mean([d for d, m in zip(step.drift, moving) if m]))
                    rows.append(
                        {"sample": prepared.sample.name, "kind": kind, "operation": step.operation, "distance": apart}
                    )
                rows.append({"sample": prepared.sample.name, "kind": kind, "operation": "end", "spread": spread})
                if prepared.sample.name == name:
                    for after in MAPS_AFTER:
                        short = _config(prepared, kind, operations=after)
                        maps[kind, after] = heat(prepared.model, prepared.drag(short), short)
    return Shown(rows, _finding(rows), (9, 6), lambda figure: _draw(figure, rows, maps))


def _last(rows: list[dict], kind: str) -> dict[str, float]:
    return {r["sample"]: r["distance"] for r in rows if r["kind"] == kind and r["operation"] != "end"}


def _finding(rows: list[dict]) -> str:
    a, b = (_last(rows, kind) for kind in (WITH, WITHOUT))
    more = [b[s] / a[s] for s in a if s in b and a[s]]
    c, d = (
        {r["sample"]: r["spread"] for r in rows if r["kind"] == kind and r["operation"] == "end"}
        for kind in (WITH, WITHOUT)
    )
    clearer = [c[s] / d[s] for s in c if d.get(s)]
    return (
        f"At the end of a drag the handle's feature is {told(more, '.2f')} times as far from the original one without information "
        f"preservation as with it, and the heat map of Eq. 6 has {told(clearer, '.2f')} times the standard deviation with it "
        f"(means {over(len(more))})."
    )


def _draw(figure, rows: list[dict], maps: dict) -> None:
    above, below = figure.subfigures(2, 1, height_ratios=(1, 1.3))
    axis = above.subplots()
    for kind, colour in COLOURS.items():
        curves: dict[str, dict[int, float]] = {}
        for r in rows:
            if r["kind"] == kind and r["operation"] != "end":
                curves.setdefault(r["sample"], {})[r["operation"]] = r["distance"]
        longest = max(max(c) for c in curves.values())
        for curve in curves.values():
            axis.plot(list(curve), list(curve.values()), color=colour, alpha=0.25, linewidth=1)
        # a drag that has ended stays where it is
        filled = [
            [c.get(k, list(c.values())[-1] if k > max(c) else np.nan) for k in range(1, longest + 1)]
            for c in curves.values()
        ]
        axis.plot(range(1, longest + 1), np.nanmean(filled, axis=0), color=colour, linewidth=2.5, label=kind)
    axis.set(xlabel="drag operations", ylabel="distance to the\noriginal feature")
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.legend(frameon=False)
    limits = (np.nanmin(list(maps.values())), np.nanmax(list(maps.values())))
    axes = below.subplots(2, len(MAPS_AFTER))
    for row, kind in zip(axes, COLOURS):
        for axis, after in zip(row, MAPS_AFTER):
            image = axis.imshow(maps[kind, after], vmin=limits[0], vmax=limits[1], cmap="viridis_r")
            axis.set(xticks=[], yticks=[], xlabel=f"std {np.nanstd(maps[kind, after]):.3f}")
            axis.set_title(f"after {after}" if kind == WITH else "", fontsize=9)
        row[0].set_ylabel(kind, fontsize=8)
    below.colorbar(image, ax=axes, shrink=0.8, label="distance")
