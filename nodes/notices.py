"""What a node tells the person that is no error: one sentence each, in the node and once in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps

from comfy_api.v0_0_2 import io

log = logging.getLogger("GoodDrag")

LOGGED = 1000
"""How many sentences are remembered, so that queueing again does not repeat them in the log."""

_told: ContextVar[list[str] | None] = ContextVar("gooddrag_notices", default=None)
_logged: dict[str, None] = {}


def tell(sentence: str) -> None:
    """Say ``sentence`` in the node that is running, and in the log if it has not been said there before."""
    told = _told.get()
    if told is not None and sentence not in told:
        told.append(sentence)
    if sentence not in _logged:
        log.warning("GoodDrag: %s", sentence)
    _logged.pop(sentence, None)
    _logged[sentence] = None
    while len(_logged) > LOGGED:
        del _logged[next(iter(_logged))]


def shown(execute: Callable[..., io.NodeOutput]) -> Callable[..., io.NodeOutput]:
    """Decorates a node's ``execute``: what is told while it runs is put before the ``text`` of its ui, which the page shows in
    the node. ComfyUI keeps that with the outputs, so it stays for as long as they are not made anew."""

    @wraps(execute)
    def executed(cls, *args, **kwargs) -> io.NodeOutput:
        token = _told.set([])
        try:
            output = execute(cls, *args, **kwargs)
            told = _told.get()
        finally:
            _told.reset(token)
        ui = output.ui or {}
        output.ui = {**ui, "text": [*told, *ui.get("text", ())]}  # also when empty: takes away what was said before
        return output

    return executed
