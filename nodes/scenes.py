"""Which of the demo world's drags a page asks for."""

from __future__ import annotations

import re

from aiohttp import web

from ..gooddrag.demo.drags import Drag, drag


def chosen(request: web.Request) -> Drag:
    """By `kind` and `scene`; a number below 0 counts as 0. Raises 400 that says what is allowed."""
    number = request.query.get("scene", "0")
    if not re.fullmatch(r"-?[0-9]{1,18}", number):
        raise web.HTTPBadRequest(text=f"the scene is {number[:40]!r}; it must be a whole number from 0 on")
    try:
        return drag(request.query.get("kind", ""), max(0, int(number)))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None
