"""Whether a MODEL, an inversion, points and a state belong together."""

from __future__ import annotations

import hashlib

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..gooddrag.method.drag import DragState
from ..gooddrag.network.conditioning import Conditioning
from ..gooddrag.network.model import Model
from ..gooddrag.picture.geometry import DragPoints
from . import families, lent, notices
from .types import InversionValue

TUNED_ON = "gooddrag_tuned_on"


def picture_key(image: Tensor) -> str:
    """Of the picture ``(1, H, W, 3)`` in 0..1, in the 8 bits that are seen."""
    seen = (image.clamp(0, 1) * 255).round().byte().cpu().contiguous().numpy()
    return hashlib.blake2b(seen.tobytes(), digest_size=16).hexdigest()


def mark_tuned(model: ModelPatcher, image: Tensor) -> None:
    """Keep with a MODEL which picture ``(1, H, W, 3)`` its LoRA was tuned on."""
    model.set_attachments(TUNED_ON, (picture_key(image), tuple(image.shape)))


def tell_of_tuning(model: ModelPatcher, image: Tensor) -> None:
    """Say when the LoRA of ``model`` was tuned on another picture. One of another size may be the same, resized."""
    key, shape = getattr(model, "attachments", {}).get(TUNED_ON, ("", ()))
    if shape == tuple(image.shape) and key != picture_key(image):
        notices.tell(
            "`model` was tuned by GoodDrag LoRA Tune on another picture than this `image`, so that the LoRA knows the look of "
            "that one. Connect the same picture to both."
        )


def check_family(value: InversionValue, model: ModelPatcher) -> None:
    """Raise ``ValueError`` when ``model`` cannot be what the inversion was made with, nor a variant of it."""
    takes, given = (
        families.unet_config(model)["cross_attention_dim"],
        Conditioning.of(value.inversion.text).text.shape[-1],
    )
    if takes != given:
        raise ValueError(
            f"`inversion` was made with a model whose prompts have {given} numbers for a token, `model` takes {takes}; connect the "
            "same MODEL to GoodDrag DDIM Inversion and GoodDrag Sampler"
        )
    predicts, did = families.prediction_type(model), value.inversion.schedule.prediction_type
    if predicts != did:
        raise ValueError(
            f"`inversion` was made with a model of {did} prediction, `model` has {predicts}; connect the same MODEL to "
            "GoodDrag DDIM Inversion and GoodDrag Sampler"
        )


def check_model(value: InversionValue, model: Model, state: DragState | None) -> str:
    """Say when ``model`` has not the weights that the inversion was made with, raise ``ValueError`` when ``state`` was dragged
    with others; gives the fingerprint of the weights."""
    key = lent.fingerprint(model)
    if value.model is not None and value.model != key:
        notices.tell(
            "`model` is not the one that `inversion` was made with (another checkpoint, LoRA or strength): the picture is drawn "
            "differently, also where nothing is dragged. Connect the same MODEL to both."
        )
    dragged_with = None if state is None else value.models.get(state.source)
    if dragged_with is not None and dragged_with != key:
        raise ValueError(
            "`state` was dragged with another MODEL (another checkpoint, LoRA or strength), so the drag cannot go on; connect the "
            "MODEL that it was made with, or disconnect `state`"
        )
    return key


def fitted(drags: tuple[DragPoints, ...], size: tuple[int, int]) -> tuple[DragPoints, ...]:
    """The drags in the inverted picture of ``size`` (width, height), which may be the one they were placed on, resized."""
    first = drags[0]
    if (first.width, first.height) != size:
        notices.tell(
            f"The points were placed on a {first.width}x{first.height} picture and are moved along to the inverted one of "
            f"{size[0]}x{size[1]}."
        )
    try:
        return tuple(points.fitted(size) for points in drags)
    except ValueError as error:
        raise ValueError(f"{error}: `image` of GoodDrag Points and of GoodDrag DDIM Inversion") from None


def tell_of_picture(value: InversionValue, drags: tuple[DragPoints, ...]) -> None:
    """Say when the points were placed on another picture than the inverted one."""
    placed_on = {points.picture for points in drags} - {None}
    if value.picture is not None and placed_on - {value.picture}:
        notices.tell(
            "The points were placed on another picture of the same size than the one that was inverted. Connect the same picture "
            "to GoodDrag Points and GoodDrag DDIM Inversion."
        )
