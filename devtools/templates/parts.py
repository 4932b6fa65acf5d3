"""What most of the example workflows have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass

from .graph import SCENE, Node, Output, Workflow

TUNED_QUICKLY = {"steps": 20}
"""Of LoRA Tune, for the demo model."""


@dataclass(frozen=True)
class Origin:
    """A picture, and the model that shall edit it."""

    model: Output
    vae: Output
    positive: Output
    image: Output


@dataclass(frozen=True)
class Edit:
    """The five nodes of an edit."""

    points: Node
    tune: Node
    invert: Node
    sampler: Node
    decode: Node


def demo(w: Workflow, kind: str = SCENE[0], scene: int = SCENE[1]) -> tuple[Node, Origin]:
    node = w.add("GoodDrag_DemoModel", kind=kind, scene=scene)
    return node, Origin(node["model"], node["vae"], node["positive"], node["image"])


def arrows(width: int, height: int, *pairs: tuple[tuple[int, int], tuple[int, int]]) -> str:
    """A value of the editor."""
    return json.dumps(
        {
            "version": 2,
            "width": width,
            "height": height,
            "pairs": [{"handle": list(handle), "target": list(target)} for handle, target in pairs],
        }
    )


def prepared(w: Workflow, origin: Origin, **tune) -> tuple[Node, Node]:
    """The tuning and the inversion."""
    what = {"vae": origin.vae, "image": origin.image, "positive": origin.positive}
    tuned = w.add("GoodDrag_LoRATune", model=origin.model, **what, **tune)
    inverted = w.add("GoodDrag_Invert", model=tuned["model"], **what)
    return tuned, inverted


def dragged(w: Workflow, model: Output, inversion: Output, points: Node, title: str = "", **settings) -> Node:
    """The drag, of what GoodDrag Points gives."""
    return w.add("GoodDrag_Sampler", title, model=model, inversion=inversion, points=points["points"],
                 mask=points["mask"], **settings)  # fmt: skip


def decoded(w: Workflow, origin: Origin, sampler: Node, points: Node, title: str = "") -> Node:
    return w.add("GoodDrag_Decode", title, vae=origin.vae, latent=sampler["latent"], image=origin.image,
                 mask=points["mask"], trace=sampler["trace"])  # fmt: skip


def edit(w: Workflow, origin: Origin, tune: dict | None = None, sampler: dict | None = None, **points) -> Edit:
    """All five."""
    points = w.add("GoodDrag_Points", image=origin.image, **points)
    tuned, inverted = prepared(w, origin, **(tune or {}))
    drag = dragged(w, tuned["model"], inverted["inversion"], points, **(sampler or {}))
    return Edit(points, tuned, inverted, drag, decoded(w, origin, drag, points))


def shown(w: Workflow, title: str, picture: Output) -> Node:
    return w.add("PreviewImage", title, images=picture)


def saved(w: Workflow, picture: Output, title: str = "After") -> Node:
    return w.add("SaveImage", title, images=picture, filename_prefix="GoodDrag")
