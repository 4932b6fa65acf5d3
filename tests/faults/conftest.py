"""The server that can be made to fail."""

import pytest
from breakable import breakable, kept_files


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with breakable(tmp_path_factory.mktemp("faults")) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_kept():
    yield
    for path in kept_files():
        path.unlink()
