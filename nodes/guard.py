"""Keeps what a page may ask of the server bounded, whichever page it is: few questions at a time, and not too many that wait."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.Response]]

AT_ONCE = 2
"""Questions that are answered at the same time; each may read a picture of 100 million pixels."""
MOST = 64
"""Questions that are answered or wait. The editor asks a handful."""


def guarded(handler: Handler) -> Handler:
    """``handler`` with its own queue; 429 when that is full."""
    room, waiting = asyncio.Semaphore(AT_ONCE), 0

    @wraps(handler)
    async def bounded(request: web.Request) -> web.Response:
        nonlocal waiting
        if waiting >= MOST:
            raise web.HTTPTooManyRequests(text="too many questions at a time", headers={"Retry-After": "1"})
        waiting += 1
        try:
            async with room:
                return await handler(request)
        finally:
            waiting -= 1

    return bounded
