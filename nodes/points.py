"""GoodDrag Points: the editor of what is dragged, where to, and which region may change."""

from dataclasses import replace

import numpy as np
import torch
from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker

from ..gooddrag.overlay import draw_points
from ..gooddrag.picture.geometry import DragPoints, check_fit, protected
from ..gooddrag.picture.region import editable
from ..gooddrag.picture.sizes import for_picture, same_shape
from ..gooddrag.picture.value import EXAMPLE, is_anchor, parse
from . import belonging, host, masks, notices, pictures
from .types import CATEGORY, DragPointsType
from .upstream import made_of

NO_ARROWS = "there are no arrows yet: draw one on the picture, from what shall move to where it shall go, and run again"
RESCALED = "The points were placed on a {}x{} picture and are moved along to this one of {}x{}."
OTHER_SHAPE = (
    "`suggestion` was placed on a {}x{} picture and `image` is {}x{}, which has another shape: connect the picture that it was "
    "made for, disconnect `suggestion`, or draw an arrow of your own"
)
NOTHING_DRAWN = (
    "the region drawn in the editor{} lets nothing of the {}x{} picture change, so nothing could move; draw it where something "
    "shall move, or choose Auto or Whole there"
)
NOTHING = (ExecutionBlocker(None),) * 3
"""What stops the nodes behind all outputs. A message in it would be shown as an error of the next node."""

ALIASES = [
    *("drag points", "handles", "targets", "points editor", "mask editor", "move part of image", "move object", "pose"),
    *("puppet", "puppet warp", "warp", "liquify", "deform", "drag edit", "anchor", "pin"),
]


class Points(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Points",
            display_name="GoodDrag Points",
            category=CATEGORY,
            description="An editor on the picture: drag arrows from handles to targets, and paint the region that may change.",
            search_aliases=ALIASES,
            inputs=[
                io.Image.Input(
                    "image",
                    tooltip="The picture that the points are placed on. The editor shows it when it comes from Load Image or the "
                    "demo scene; what other nodes make, after a run or Get the picture.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="White may change, black stays. Combined with what is painted in the editor. Resized if it has "
                    "another size. Without either the region around the arrows may change. With a suggestion connected it "
                    "belongs to that, and is left out when you draw arrows of your own.",
                ),
                DragPointsType.Input(
                    "suggestion",
                    optional=True,
                    tooltip="Used while there are no arrows, for example the demo scene's own drag.",
                ),
                io.String.Input(
                    "json",
                    optional=True,
                    force_input=True,
                    tooltip=f"Replaces what is in the editor, for driving the node from others. For example {EXAMPLE}",
                ),
                io.String.Input(
                    "points",
                    default="",
                    socketless=True,
                    extra_dict={"widgetType": "GOODDRAG_EDITOR"},  # no tooltip: it would hang over the picture
                ),
            ],
            outputs=[
                DragPointsType.Output(display_name="points"),
                io.Mask.Output(
                    display_name="mask",
                    tooltip="The region that may change: around the arrows, unless you paint or connect another, or choose "
                    "the whole picture.",
                ),
                io.Image.Output(display_name="overlay", tooltip="The picture with the arrows drawn on it."),
            ],
            hidden=[io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo],
            # so that the page can run what feeds this node and no more, and hears of a picture that was cached
            is_output_node=True,
        )

    @classmethod
    @notices.shown
    def execute(cls, image, points, mask=None, suggestion=None, json=None) -> io.NodeOutput:
        image = pictures.one(image)
        suggestion = None if suggestion is None else host.one_drag(suggestion, "suggestion")
        size = (image.shape[2], image.shape[1])
        try:
            value = parse(points if json is None else json)
        except ValueError as error:
            raise error if json is None else ValueError(f"`json`: {error}") from None
        shown = suggestion is not None and same_shape((suggestion.width, suggestion.height), size)
        pairs = suggestion.fitted(size) if shown else None
        arrived = {
            "image": host.temporary(image, cls),
            "size": size,
            "suggestion": []
            if pairs is None
            else [{"handle": h, "target": t} for h, t in zip(pairs.handles, pairs.targets)],
            **cls._origin(),
        }
        own = any(not p.off and not is_anchor(p.handle, p.target) for p in value.pairs)
        placed_on = None if suggestion is None or own else (suggestion.width, suggestion.height)
        try:
            fitting = for_picture(value, size)
            if suggestion is None and all(p.off for p in value.pairs):
                raise ValueError(NO_ARROWS)
            if placed_on is not None and not same_shape(placed_on, size):
                raise ValueError(OTHER_SHAPE.format(*placed_on, *size))
            placed = DragPoints.from_value_or(fitting, suggestion, *size)
            check_fit(placed, None, size)
        except ValueError as error:
            return cls._stopped({**arrived, **cls._aside(mask, size)}, str(error))
        value, asked = fitting, value

        # a demo scene's mask fits its own drag; around another one it would protect what shall move
        aside = suggestion is not None and own
        given = None if aside else masks.given(mask, size)
        arrived.update(cls._aside(mask, size) if aside else cls._shown(mask, given))
        check_fit(placed, given, size)
        arrows = zip(placed.handles, placed.targets)
        region = editable(value, arrows, None if given is None else given.cpu().numpy(), *size, host.check_interrupted)
        region = np.ones(size[::-1], np.float32) if region is None else region.astype(np.float32)
        if value.region == "own" and not (region >= masks.EDITABLE).any():
            beside = "" if given is None else " and `mask` together"
            raise ValueError(NOTHING_DRAWN.format(beside, *size))
        out = torch.from_numpy(region)
        may_change = masks.editable(out)
        check_fit(placed, may_change, size)
        overlay = host.to_images([draw_points(host.to_pillow(image), placed, may_change.numpy() > 0)])
        for sentence in protected(placed, may_change):
            notices.tell(sentence)
        if asked.size not in (None, size) and (asked.pairs or asked.shapes):
            notices.tell(RESCALED.format(*asked.size, *size))
        elif placed_on not in (None, size):
            notices.tell(RESCALED.format(*placed_on, *size))
        placed = replace(placed, picture=belonging.picture_key(image))
        return io.NodeOutput(placed, out[None], overlay, ui={"gooddrag_points": [arrived]})

    @classmethod
    def _origin(cls) -> dict:
        """What the page needs to know whether picture and mask still are what a run would deliver."""
        hidden = cls.hidden
        if hidden is None:
            return {"upstream": None, "mask_upstream": None}
        made = {name: made_of(hidden.prompt, hidden.unique_id, name) for name in ("image", "mask")}
        return {"upstream": made["image"], "mask_upstream": made["mask"]}

    @classmethod
    def _shown(cls, mask: torch.Tensor | None, given: torch.Tensor | None) -> dict:
        """The connected mask for the page, what counts of it; none of it while ``masked`` is one that is black everywhere."""
        counts = None if given is None else (given >= masks.EDITABLE).float()
        return {"masked": mask is not None, "mask": None if counts is None else host.temporary_shade(counts, cls)}

    @classmethod
    def _aside(cls, mask: torch.Tensor | None, size: tuple[int, int]) -> dict:
        """The same of a mask that takes no part in this run: one that cannot be used is said, and spoils nothing."""
        try:
            return cls._shown(mask, masks.given(mask, size))
        except ValueError as error:
            notices.tell(f"The connected mask cannot be used: {error}.")
            return {"masked": False, "mask": None}

    @classmethod
    def _stopped(cls, arrived: dict, why: str) -> io.NodeOutput:
        """The picture for the editor, and nothing for the nodes behind: they do not run, and everything else does."""
        notices.tell(f"The run stopped here: {why}.")
        return io.NodeOutput(*NOTHING, ui={"gooddrag_points": [{**arrived, "stopped": why}]})
