"""What the editor asks the server before any run: pictures that a loader or the demo scene will deliver, and stamps of files."""

from __future__ import annotations

import asyncio
import io

from aiohttp import web
from PIL import Image
from server import PromptServer

from . import upstream
from .guard import guarded
from .scenes import chosen

MOST_NAMES = 64


def _png(picture: Image.Image) -> web.Response:
    data = io.BytesIO()
    picture.save(data, "PNG", compress_level=1)
    return web.Response(body=data.getvalue(), content_type="image/png", headers={"Cache-Control": "no-cache"})


async def scene(request: web.Request) -> web.Response:
    """PNG of the scene before its drag."""
    return _png(Image.fromarray(chosen(request).picture(0)))


async def scene_points(request: web.Request) -> web.Response:
    """The scene's own drag as pairs."""
    points = chosen(request).points
    return web.json_response([{"handle": h, "target": t} for h, t in zip(points.handles, points.targets)])


async def picture(request: web.Request) -> web.Response:
    """PNG of what a loader (`node`) delivers for a file (`image`); 400 with the reason if it would not."""
    try:
        loaded = await asyncio.to_thread(upstream.load, request.query.get("node", ""), request.query.get("image", ""))
    except Exception as error:
        raise web.HTTPBadRequest(text=upstream.reason(error)) from None
    return await asyncio.to_thread(_png, loaded)


async def stamps(request: web.Request) -> web.Response:
    """The stamps of the files `name`, null for what is no file."""
    names = request.query.getall("name", [])[:MOST_NAMES]
    found = await asyncio.to_thread(lambda: {name: upstream.stamp(name) for name in names})
    return web.json_response(found, headers={"Cache-Control": "no-store"})


def register() -> None:
    """Add the routes to the running server; there is none while ComfyUI's code is only imported."""
    server = getattr(PromptServer, "instance", None)
    if server is not None:
        for name, handler in {
            "scene": scene, "scene_points": scene_points, "picture": picture, "stamps": stamps,
        }.items():  # fmt: skip
            server.routes.get(f"/gooddrag/{name}")(guarded(handler))
