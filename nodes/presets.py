"""The preset of a node: one choice that decides its other settings."""

from __future__ import annotations

import re
import reprlib
from collections.abc import Mapping

from comfy_api.v0_0_2 import io

from ..gooddrag.config import PRESETS, DragConfig
from . import notices

CUSTOM = "custom"


def _value(config: DragConfig, field: str):
    value = getattr(config, field)
    return bool(value) if isinstance(value, tuple) else value


def preset_input(fields: Mapping[str, str]) -> io.Combo.Input:
    """The input; ``fields`` maps the names of the inputs that it decides to fields of ``DragConfig``. The page reads the values
    from its specification, to show them in the node."""
    values = {name: {key: _value(config, field) for key, field in fields.items()} for name, config in PRESETS.items()}
    return io.Combo.Input(
        "preset",
        options=[CUSTOM, *PRESETS],
        default=CUSTOM,
        tooltip="Decides the settings below: paper has the paper's exact numbers, best costs no more and drags better, balanced "
        "costs about a quarter, fast an eighth. custom takes the values as they stand. Choose the same in all GoodDrag nodes.",
        extra_dict={"gooddrag_presets": values},
    )


def configured(fields: Mapping[str, str], preset: str, given: Mapping, **rest) -> DragConfig:
    """The settings of the preset, or as ``given`` with custom, and the ``rest``. Raises ``ValueError`` naming the node's input."""
    if preset != CUSTOM and preset not in PRESETS:
        raise ValueError(f"`preset` is {reprlib.repr(preset)}; it must be one of {', '.join((CUSTOM, *PRESETS))}")
    if preset != CUSTOM:
        return DragConfig(**{field: getattr(PRESETS[preset], field) for field in fields.values()}, **rest)
    found = {
        field: (getattr(DragConfig, field) if given[key] else ()) if field == "mutual_blocks" else given[key]
        for key, field in fields.items()
    }
    try:
        return DragConfig(**found, **rest)
    except ValueError as error:
        words = str(error)
        for key, field in fields.items():
            words = re.sub(rf"\b{field}\b", f"`{key}`", words)
        raise ValueError(words) from None


def tell_of_another(preset: str, config: DragConfig) -> None:
    """Say that a drag with a ``preset`` goes along an inversion that was made with other settings than the preset's."""
    if preset == CUSTOM:
        return
    own, wanted = ((c.inference_steps, c.strength) for c in (config, PRESETS[preset]))
    if own != wanted:
        notices.tell(
            f"`preset` is {preset}, which is made for an inversion of {wanted[0]} steps at strength {wanted[1]:g}; this one has "
            f"{own[0]} at {own[1]:g}. Choose {preset} in GoodDrag DDIM Inversion too, or custom in both."
        )
