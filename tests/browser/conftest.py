"""Real Chromium on a real server: both renderers, both frontends."""

import os
from pathlib import Path

import pytest
from PIL import Image

from devtools import environment, tools
from devtools.server import Server
from gooddrag.demo import world
from tests.browser.studio import SIZES, Studio

FRONTENDS = {"own": None, "newest": environment.WORK / "frontend" / "comfyui_frontend_package" / "static"}
RENDERERS = ("classic", "vue")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_addoption(parser):
    parser.addoption("--renderer", choices=RENDERERS, help="only this one")
    parser.addoption("--frontend", choices=FRONTENDS, help="only ComfyUI's own, or only the newest")
    parser.addoption("--shots", type=Path, help="write screenshots of every stage into this folder")


def pytest_collection_modifyitems(config, items):
    wanted = {"renderer": config.getoption("--renderer", None), "server": config.getoption("--frontend", None)}

    def meant(item) -> bool:
        given = getattr(item, "callspec", None)
        return all(not value or not given or given.params.get(name, value) == value for name, value in wanted.items())

    left_out = [item for item in items if not meant(item)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if meant(item)]


@pytest.fixture(scope="session", autouse=True)
def pictures():
    """Pictures that Load Image finds."""
    folder = environment.BASE / "input"
    folder.mkdir(parents=True, exist_ok=True)
    scene = Image.fromarray(world.render(world.scene(3), 512))
    for name, size in SIZES.items():
        scene.resize(size).save(folder / f"gooddrag_{name}.png")


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with api.sync_playwright() as playwright:
        path = tools.chromium() or playwright.chromium.executable_path
        if not Path(path).is_file():
            pytest.skip("there is no Chromium, neither on the PATH nor one of playwright's own")
        running = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session", params=FRONTENDS)
def server(request):
    """A server with each of the two frontends."""
    if not environment.PYTHON.exists() or not os.environ.get("COMFYUI_DIR"):
        pytest.skip("no ComfyUI is set up; python3 dev.py test browser sets it up")
    root = FRONTENDS[request.param]
    if root is not None and not root.is_dir():
        pytest.skip(f"the {request.param} frontend is not installed")
    with Server(arguments=("--front-end-root", str(root)) if root else ()) as running:
        running.frontend = request.param
        yield running


@pytest.fixture(scope="module", params=RENDERERS)
def renderer(request):
    return request.param


@pytest.fixture(scope="module")
def open_studio(browser, server, renderer, request):
    """Opens the page in a fresh profile; fails if the page reported an error of this pack."""
    opened = []

    def do(**options) -> Studio:
        studio = Studio(browser, server, renderer, shots=request.config.getoption("--shots"), **options)
        opened.append(studio)
        return studio

    yield do
    for studio in opened:
        studio.close()
    assert [error for studio in opened for error in studio.errors] == []


@pytest.fixture(scope="module")
def desk(open_studio):
    """One page for all tests of a module."""
    return open_studio()


@pytest.fixture
def studio(desk):
    """An empty graph with Load Image and GoodDrag Points on the page."""
    return desk.new("landscape")
