"""`start` = last run under every way that ComfyUI keeps results."""

import pytest
from conftest import stock

from devtools.server import Server

PROMPT = {
    "1": stock("GoodDrag_DemoModel", kind="arm", scene=1),
    "2": stock(
        "GoodDrag_Invert", model=["1", 0], vae=["1", 1], image=["1", 3], positive=["1", 2], preset="custom", steps=4, strength=0.75
    ),
    "3": stock(
        "GoodDrag_Sampler", model=["1", 0], inversion=["2", 0], points=["1", 4], preset="custom", operations=1,
        operations_per_step=1, gradient_steps=1, learning_rate=0.02, background="lock", mask_weight=0.2, drag_size=4.0,
        supervision_radius=4, tracking_radius=12, patience=10, information_preserving=True, mutual_attention=True,
        start="last run", checkpointing="auto", window=True,
    ),
    "4": stock("VAEDecode", samples=["3", 0], vae=["1", 1]),
    "5": stock("PreviewImage", images=["4", 0]),
}  # fmt: skip
BEGINS = "This run begins at the picture."


@pytest.fixture
def texts():
    """What the sampler says in a run by a client."""

    def ran(server, client):
        entry = server.wait(server.submit(PROMPT, client))
        assert entry["status"]["status_str"] == "success"
        return " ".join(entry["outputs"]["3"]["text"])

    return ran


@pytest.fixture(
    params=["by itself", pytest.param("--cache-classic", marks=pytest.mark.long), "--cache-lru=20", "--cache-none"]
)
def kept(request):
    """A server, and how it keeps results."""
    server = request.getfixturevalue("server")
    if request.param == "by itself":
        yield server, request.param
    else:
        with Server(arguments=(request.param,)) as other:
            yield other, request.param


def test_last_run_goes_on_or_says_that_it_does_not(texts, kept):
    server, mode = kept
    assert BEGINS in texts(server, "one")
    again = texts(server, "one")
    assert (BEGINS in again) == (mode == "--cache-none")
    assert ("started with --cache-none" in again) == (mode == "--cache-none")
    assert BEGINS in texts(server, "another")
