"""What the editor asks the server before any run: the demo model's scene as a picture, and its drag."""

from __future__ import annotations

import io

from aiohttp import web
from PIL import Image
from server import PromptServer

from ..gooddrag.demo.drags import Drag, drag


def _chosen(request: web.Request) -> Drag:
    try:
        return drag(request.query.get("kind", ""), max(0, int(request.query.get("scene", "0"))))
    except ValueError as error:
        raise web.HTTPBadRequest(text=str(error)) from None


async def scene(request: web.Request) -> web.Response:
    """PNG of the scene before its drag."""
    data = io.BytesIO()
    Image.fromarray(_chosen(request).picture(0)).save(data, "PNG")
    return web.Response(body=data.getvalue(), content_type="image/png")


async def scene_points(request: web.Request) -> web.Response:
    """The scene's own drag as pairs."""
    points = _chosen(request).points
    return web.json_response([{"handle": h, "target": t} for h, t in zip(points.handles, points.targets)])


def register() -> None:
    """Add the routes to the running server; there is none while ComfyUI's code is only imported."""
    server = getattr(PromptServer, "instance", None)
    if server is not None:
        server.routes.get("/gooddrag/scene")(scene)
        server.routes.get("/gooddrag/scene_points")(scene_points)
