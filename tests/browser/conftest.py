"""Real Chromium on a real server: both renderers, both frontends."""

import os
import shutil
from pathlib import Path

import pytest
from PIL import Image

from devtools import environment
from devtools.server import Server
from gooddrag.demo import world
from tests.browser.studio import SIZES, Studio

CHROMIUM = next((p for p in map(shutil.which, ("chromium", "chromium-browser", "google-chrome")) if p), None)
FRONTENDS = {"1.47.12": None, "newest": environment.WORK / "frontend" / "comfyui_frontend_package" / "static"}
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
    parser.addoption("--shots", type=Path, help="write screenshots of every stage into this folder")


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
    if CHROMIUM is None:
        pytest.skip("no Chromium was found on the PATH")
    with api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
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


@pytest.fixture(scope="module", params=["classic", "vue"])
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
