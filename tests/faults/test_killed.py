"""A server killed in the middle of an edit: the next makes the same picture, and no half-written file is taken for whole."""

import contextlib
import http.client

import pytest
from breakable import breakable, kept_files
from test_matrix import MIDDLE, Edit

from devtools.server import ServerError

STAGES = {"save": 0, "gradient": MIDDLE["gradient"]}


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The picture, made by a server that was never disturbed."""
    with breakable(tmp_path_factory.mktemp("whole")) as server:
        return Edit(server).picture()


@pytest.mark.parametrize("stage", ["save", pytest.param("gradient", marks=pytest.mark.long)])
def test_a_killed_server(expected, tmp_path, stage):
    for path in kept_files():
        path.unlink()
    with breakable(tmp_path) as server:
        server.post("/faults", {"stage": stage, "fault": "kill", "after": STAGES[stage]})
        with contextlib.suppress(ServerError, http.client.HTTPException, OSError):
            Edit(server).run()
        assert server.process.wait(60) == -9
    # the LoRA is there whole, or not at all: a part of it has another name
    assert [p.suffix for p in kept_files()] == [".part" if stage == "save" else ".safetensors"]
    with breakable(tmp_path) as server:
        assert Edit(server).picture() == expected
    assert "kept.safetensors" in [p.name for p in kept_files()]
