"""What a CONDITIONING says to the engine."""

from __future__ import annotations

from torch import Tensor

from ..gooddrag.finite import finite
from . import notices
from .host import plain


def text_of(conditioning: list, name: str = "positive") -> Tensor:
    """The text embedding ``(1, tokens, D)`` of a CONDITIONING; what else it carries is named and left away."""
    if not conditioning:
        raise ValueError(f"`{name}` is empty; connect a CLIPTextEncode, its text may be empty")
    text, options = conditioning[0]
    ignored = sorted({"control", "area", "mask", "gligen"} & set(options))
    if len(conditioning) > 1:
        ignored.append(f"{len(conditioning) - 1} further prompt{'s' if len(conditioning) > 2 else ''}")
    if ignored:
        notices.tell(f"`{name}` carries {', '.join(ignored)}, which dragging ignores.")
    return plain(finite(text[:1], f"`{name}`", "look at the text encoder and at what changes the prompt behind it"))
