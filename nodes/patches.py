"""What other nodes have put on a MODEL: what dragging honours, and what it has to name because it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from comfy.model_patcher import ModelPatcher

from . import bypass, notices

GUIDANCE = (
    "sampler_cfg_function",
    "sampler_pre_cfg_function",
    "sampler_post_cfg_function",
    "sampler_calc_cond_batch_function",
)
"""They act between predictions with a prompt and with a negative one, which a drag puts together plainly."""

IRRELEVANT = {"transformer_options", "disable_cfg1_optimization", "torch_compile_kwargs"}
HONOURED_OBJECTS = {"model_sampling", "manual_cast_dtype"}
NEVER_CALLED = {"on_pre_run", "on_prepare_state", "on_apply_hooks", "on_register_all_hook_patches"}
"""Callbacks that only sampling calls; the others ComfyUI calls when it clones or loads a MODEL, as it does for a drag."""

COMPILING = "apply_torch_compile"
NODE_OF = {"easycache": "EasyCache", "lazycache": "LazyCache", "nag": "NAGuidance"}


def _name(thing, key: str = "") -> str:
    """What a person calls it: the node whose function it is, else its own name and where that comes from."""
    if key.lower() in NODE_OF:
        return NODE_OF[key.lower()]
    while isinstance(thing, partial):
        thing = thing.func
    if not hasattr(thing, "__qualname__"):
        kind = type(thing)
        return key if kind.__module__ == "builtins" else f"{kind.__name__} ({kind.__module__})"
    owner, _, rest = thing.__qualname__.partition(".")
    return owner if rest else f"{owner} ({thing.__module__})"


def _leaves(value, key: str = "") -> Iterator[str]:
    """Names of all that hangs in nested dictionaries and lists of functions."""
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _leaves(item, inner if isinstance(inner, str) else key)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _leaves(item, key)
    elif callable(value):
        yield _name(value, key)


def unused(model: ModelPatcher) -> tuple[list[str], list[str]]:
    """Names of what is on the MODEL and does nothing in a drag: what acts on guidance, and everything else."""
    options = model.model_options
    inner = options.get("transformer_options", {})
    guidance = [name for key in GUIDANCE for name in _leaves(options.get(key, []), key)]
    others: list[str] = []
    for place in ("patches", "patches_replace", "wrappers", "callbacks"):
        others += _leaves(inner.get(place, {}))
    for key, value in inner.items():
        if key not in ("patches", "patches_replace", "wrappers", "callbacks") and value not in ({}, [], None):
            others.append(_name(value, key))
    for key, value in options.items():
        if key not in IRRELEVANT and key not in GUIDANCE:
            others += list(_leaves(value, key)) or [key]
    others += _leaves(model.wrappers)
    others += [n for kind, given in model.callbacks.items() if kind in NEVER_CALLED for n in _leaves(given)]
    others += [_name(value, key) for key, value in model.object_patches.items() if key not in HONOURED_OBJECTS]
    others += [n for given in getattr(model, "weight_wrapper_patches", {}).values() for n in _leaves(given)]
    others += [key for key, given in model.injections.items() if given and not bypass.is_bypass(given)]
    if model.hook_patches:
        others.append("hooks (LoRAs or weights that a prompt switches on)")
    others = [name for name in others if not name.startswith(COMPILING)]
    return list(dict.fromkeys(guidance)), [name for name in dict.fromkeys(others) if name not in guidance]


def tell(model: ModelPatcher) -> None:
    """Name in the node what is on ``model`` and does nothing in a drag."""
    guidance, others = unused(model)
    if others:
        notices.tell(f"`model` carries {', '.join(others)}: not used here, the picture is computed as if without.")
    if guidance:
        notices.tell(
            f"`model` carries {', '.join(guidance)}, which acts on guidance: not used here; `guidance` of GoodDrag DDIM "
            "Inversion is the plain one."
        )
