"""GoodDrag Score: how accurate and how faithful an edit is, as numbers and as text."""

import torch.nn.functional as F
from comfy_api.v0_0_2 import io
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from ..gooddrag.bench.metrics import dai, likeness
from ..gooddrag.bench.metrics.dai import GAMMAS
from ..gooddrag.bench.metrics.fidelity import outside
from ..gooddrag.picture.geometry import DragPoints
from ..gooddrag.picture.sizes import alike
from . import masks, notices, pictures
from .types import CATEGORY, DragPointsType, several

NO_MASK = "`outside` of GoodDrag Score is measured where the mask is black: connect `mask`"
ALL_WHITE = "`outside` of GoodDrag Score is measured where `mask` is black, and it is white everywhere: all may change"


class Score(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GoodDrag_Score",
            display_name="GoodDrag Score",
            category=CATEGORY,
            description="Measures an edit: whether what was dragged arrived (DAI of the paper, at its four radii), what changed "
            "where nothing should, and how alike the pictures are. Of a batch, the means.",
            search_aliases=["DAI", "dragging accuracy index", "metric", "benchmark", "drag"],
            is_output_node=True,
            inputs=[
                io.Image.Input("image", tooltip="The original."),
                io.Image.Input(
                    "edited", tooltip="The result, from GoodDrag Decode; also several, of GoodDrag Variants."
                ),
                DragPointsType.Input(
                    "points", tooltip="The drag that was asked for, from GoodDrag Points or Variants."
                ),
                io.Mask.Input("mask", optional=True, tooltip="Black is where nothing should change, for `outside`."),
                io.Image.Input(
                    "source",
                    optional=True,
                    tooltip="From GoodDrag Decode: with it, `outside` leaves out what the VAE changes without any drag.",
                ),
            ],
            outputs=[
                *(
                    io.Float.Output(
                        id=f"dai_{gamma}",
                        display_name=f"DAI {gamma}",
                        tooltip=f"Eq. 10 with squares of {2 * gamma + 1}x{2 * gamma + 1} pixels; 0 when all arrived unchanged.",
                    )
                    for gamma in GAMMAS
                ),
                io.Float.Output(
                    id="outside",
                    display_name="outside",
                    tooltip="Mean change where the mask is black, in levels of 255.",
                ),
                io.Float.Output(
                    id="if",
                    display_name="IF",
                    tooltip="1 - LPIPS where lpips and AlexNet's weights are there, SSIM otherwise; 1 for equal pictures.",
                ),
                io.String.Output(id="text", display_name="text"),
            ],
        )

    @classmethod
    @notices.shown
    def execute(cls, image, edited, points, mask=None, source=None) -> io.NodeOutput:
        original = pictures.one(image)
        size = (original.shape[2], original.shape[1])
        results = [_fitted(e, size, "edited") for e in pictures.each(edited, "edited")]
        drags = _drags(points, len(results), size)
        mask = masks.given(mask, size)
        kept = None if mask is None else mask.cpu().numpy() > 0
        undragged = original if source is None else _fitted(pictures.one(source, "source"), size, "source")
        by, like = likeness()
        rows = []
        for result, drag in zip(results, drags):
            a, b = _array(original), _array(result)
            handles, targets = zip(*drag.arrows)
            row = [dai(a, b, handles, targets, gamma) for gamma in GAMMAS]
            rows.append([*row, outside(_array(undragged), b, kept), like(a, b)])
        values = [sum(column) / len(rows) for column in zip(*rows)]
        lines = [_line(row, by, f"{i}: " if len(rows) > 1 else "") for i, row in enumerate(rows, 1)]
        if len(rows) > 1:
            lines.append(_line(values, by, "Mean: "))
        why = NO_MASK if kept is None else ALL_WHITE
        known = [v if v == v else ExecutionBlocker(why) for v in values]
        return io.NodeOutput(*known, "\n".join(lines), ui={"text": lines})


def _drags(points, count: int, size: tuple[int, int]) -> list[DragPoints]:
    try:
        drags = [drag.fitted(size) for drag in several(points)]
    except ValueError as error:
        raise ValueError(f"{error}: `image` of GoodDrag Points and of GoodDrag Score") from None
    if len(drags) == 1:
        drags *= count
    if len(drags) != count:
        raise ValueError(
            f"`edited` holds {count} pictures but `points` {len(drags)} drags; connect the points that they were made with"
        )
    if not all(any(drag.moving) for drag in drags):
        raise ValueError("`points` holds no arrow, only pins, so there is nothing to measure")
    return drags


def _fitted(picture: Tensor, size: tuple[int, int], name: str) -> Tensor:
    """In the size of the original, in which DAI counts pixels. Raises ``ValueError`` for another shape."""
    given = (picture.shape[2], picture.shape[1])
    if given == size:
        return picture
    if not alike(given, size):
        raise ValueError(
            f"`{name}` is {given[0]}x{given[1]} but `image` {size[0]}x{size[1]}, which has another shape; connect the picture that "
            "was edited"
        )
    notices.tell(f"`{name}` is measured in the size of `image`, {size[0]}x{size[1]}.")
    return F.interpolate(picture.movedim(-1, 1), size[::-1], mode="bilinear", antialias=True).movedim(1, -1)


def _array(picture: Tensor):
    return picture[0].cpu().numpy()


def _line(row: list[float], by: str, before: str) -> str:
    accuracy = ", ".join(f"{value:.4f} ({gamma})" for gamma, value in zip(GAMMAS, row))
    around = "" if row[-2] != row[-2] else f"; outside {row[-2]:.2f} of 255"
    return f"{before}DAI {accuracy}{around}; IF by {by} {row[-1]:.3f}"
