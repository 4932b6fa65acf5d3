"""The connected mask before any run, for the page: where it comes from a file or from the demo scene it is known."""

from __future__ import annotations

import asyncio
import io

import numpy as np
from aiohttp import web
from PIL import Image
from server import PromptServer

from . import upstream
from .guard import guarded
from .masks import EDITABLE
from .scenes import chosen

LOADERS = {
    "LoadImage": lambda name, channel: (name,),
    "LoadImageOutput": lambda name, channel: (name,),
    "LoadImageMask": lambda name, channel: (name, channel),
}
"""Node types whose mask depends on nothing but a file, and what their function takes."""
CHANNELS = ("alpha", "red", "green", "blue")


def _loaded(kind: str, name: str, channel: str) -> np.ndarray:
    """What a loader's mask output delivers, ``(H, W)`` in 0..1."""
    if kind not in LOADERS or channel not in CHANNELS or not name:
        raise ValueError("no loader of masks that is known here")
    if upstream.file(name) is None:  # such as a pipe, at which reading would wait for ever
        raise ValueError(f"there is no file {name[:200]!r}")
    outputs = upstream.loaded(kind, *LOADERS[kind](name, channel))
    return outputs[-1].reshape(-1, *outputs[-1].shape[-2:])[0].float().cpu().numpy()


def _shade(mask: np.ndarray) -> web.Response:
    """Black, and transparent where the mask lets the picture change; nothing at all for a mask that is black everywhere, which
    counts as none."""
    if not mask.any():
        return web.Response(status=204)
    alpha = Image.fromarray(np.where(mask >= EDITABLE, 0, 255).astype(np.uint8))
    picture = Image.new("RGBA", alpha.size)
    picture.putalpha(alpha)
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return web.Response(body=data.getvalue(), content_type="image/png", headers={"Cache-Control": "no-cache"})


async def mask(request: web.Request) -> web.Response:
    """Of a loader (`node`) with its widgets' values (`image`, `channel`); 400 if it would deliver none."""
    query = request.query
    try:
        loaded = await asyncio.to_thread(
            _loaded, query.get("node", ""), query.get("image", ""), query.get("channel", "alpha")
        )
    except Exception as error:
        raise web.HTTPBadRequest(text=upstream.reason(error)) from None
    return await asyncio.to_thread(_shade, loaded)


async def scene_mask(request: web.Request) -> web.Response:
    """Of the demo scene's own drag."""
    return _shade(chosen(request).mask.astype(np.float32))


def register() -> None:
    """Add the routes to the running server; there is none while ComfyUI's code is only imported."""
    server = getattr(PromptServer, "instance", None)
    if server is not None:
        server.routes.get("/gooddrag/mask")(guarded(mask))
        server.routes.get("/gooddrag/scene_mask")(guarded(scene_mask))
