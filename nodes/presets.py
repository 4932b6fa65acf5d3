"""The preset of a node: one choice that decides its other settings."""

from __future__ import annotations

from collections.abc import Mapping

from comfy_api.v0_0_2 import io

from ..gooddrag.config import PRESETS, DragConfig

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
        "costs about a third, fast an eighth. custom takes the values as they stand. Choose the same in all GoodDrag nodes.",
        extra_dict={"gooddrag_presets": values},
    )


def settings(fields: Mapping[str, str], preset: str, given: Mapping) -> dict:
    """Fields of a ``DragConfig`` from a node's inputs: of the preset, or as ``given`` with custom."""
    if preset != CUSTOM:
        return {field: getattr(PRESETS[preset], field) for field in fields.values()}
    return {
        field: (getattr(DragConfig, field) if given[key] else ()) if field == "mutual_blocks" else given[key]
        for key, field in fields.items()
    }
