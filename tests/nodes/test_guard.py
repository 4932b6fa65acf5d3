"""What a page asks of the server: a few questions at a time, and not too many that wait."""

import asyncio

import pytest
from aiohttp import web

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")


def test_a_flood_is_refused_and_leaves_nothing(part):
    guard, running, most, done = part("nodes.guard"), 0, 0, 0

    async def slow(_request):
        nonlocal running, most, done
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running, done = running - 1, done + 1
        return web.Response()

    async def flood():
        handler = guard.guarded(slow)
        answers = await asyncio.gather(*(handler(None) for _ in range(500)), return_exceptions=True)
        refused = [a for a in answers if isinstance(a, web.HTTPTooManyRequests)]
        assert len(refused) == 500 - guard.MOST
        assert refused[0].headers["Retry-After"] == "1"
        assert (await handler(None)).status == 200

    asyncio.run(flood())
    assert most == guard.AT_ONCE
    assert done == guard.MOST + 1


def test_an_error_gives_the_place_back(part):
    async def broken(_request):
        raise web.HTTPBadRequest(text="no")

    async def many():
        handler = part("nodes.guard").guarded(broken)
        for _ in range(200):
            with pytest.raises(web.HTTPBadRequest):
                await handler(None)

    asyncio.run(many())


def test_every_route_is_guarded(part):
    """The names of the routes that are registered, and what they are wrapped in."""
    taken = {}

    class Routes:
        def get(self, path):
            return lambda handler: taken.setdefault(path, handler)

    class Instance:
        routes = Routes()

    with pytest.MonkeyPatch.context() as patch:
        for module in ("nodes.routes", "nodes.known_masks"):
            patch.setattr(part(module).PromptServer, "instance", Instance, raising=False)
            part(module).register()
    assert sorted(taken) == [
        f"/gooddrag/{n}" for n in ("mask", "picture", "scene", "scene_mask", "scene_points", "stamps")
    ]
    assert all(handler.__name__ != "bounded" and hasattr(handler, "__wrapped__") for handler in taken.values())
