"""Where a sampler stopped the last time, and what a person hears when that cannot be gone on from."""

from __future__ import annotations

from comfy.cli_args import args
from server import PromptServer
from torch import Tensor

from ..gooddrag.config import DragConfig
from ..gooddrag.method.plan import planned
from ..gooddrag.method.source import Source
from ..gooddrag.method.state import DragState
from ..gooddrag.picture.geometry import LATENT_CELL, latent_mask, padded
from . import notices
from .types import InversionValue

Runner = tuple[str | None, str | None, str | None]
"""Client, workflow and node: two tabs may hold nodes of one id."""


def runner(hidden) -> Runner:
    """Of the node that is running, by what ComfyUI says of it; ``hidden`` is None outside of ComfyUI's own execution."""
    if hidden is None:
        return None, None, None
    client = getattr(getattr(PromptServer, "instance", None), "client_id", None)
    workflow = (hidden.extra_pnginfo or {}).get("workflow") or {}
    return client, workflow.get("id"), hidden.unique_id


def state(value: InversionValue, who: Runner, source: Source) -> DragState | None:
    """Where ``who`` stopped on this inversion with this ``source``; None, which is told, begins at the picture."""
    kept = value.states.get(who)
    if kept is not None and kept.source is source:
        return kept
    if kept is not None:
        why = "the MODEL, `mutual_attention` or `exact_source`, also by `preset`, is another than in the last run"
    elif args.cache_none:
        why = "ComfyUI was started with --cache-none and forgets every run (`state` goes on within one workflow all the same)"
    else:
        why = (
            "no run of this node on this inversion is kept: it is the first, the inversion was made anew, or ComfyUI's cache "
            "has dropped it"
        )
    notices.tell(f"`start` is last run, but {why}. This run begins at the picture.")
    return None


def changed_before(state: DragState, mask: Tensor | None) -> Tensor | None:
    """Pixels ``(H, W)`` of the latent's cells that drags before this one could change and this one's ``mask`` ``(H, W)`` of 0 and 1
    does not; None if there are none, and for a state of another size, which is refused later."""
    if mask is None or state.changed is None or state.changed.shape[-2:] != tuple(cells(side) for side in mask.shape):
        return None
    more = (state.changed > latent_mask(mask, state.changed))[0, 0]
    if not more.any():
        return None
    notices.tell(
        "This drag goes on with another region than the one before, whose changes stay; for GoodDrag Carry Back let the region "
        "cover both."
    )
    pixels = more.repeat_interleave(LATENT_CELL, 0).repeat_interleave(LATENT_CELL, 1)
    return pixels[: mask.shape[0], : mask.shape[1]].to(mask)


def cells(side: int) -> int:
    """Of the latent along a side of the picture."""
    return padded(side) // LATENT_CELL


def tell_of_too_few_timesteps(config: DragConfig, timesteps: int) -> None:
    """Before a first drag along so many timesteps; one that goes on stays at the last that is dragged."""
    wanted, possible = config.operations, sum(planned(config, timesteps))
    if possible < wanted:
        notices.tell(
            f"{wanted} operations at {config.operations_per_step} per step need {config.drag_steps} timesteps, and there are "
            f"{timesteps}: at most {possible} are done. Raise `operations_per_step`, or `steps` or `strength` of the inversion."
        )
