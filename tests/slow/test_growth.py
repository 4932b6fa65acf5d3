"""Memory over many edits, on a narrow checkpoint of SDXL's layout in a real server."""

import json
from pathlib import Path

import pytest

from devtools import workflow
from tests.workflows.narrow_server import narrow_server, refined


@pytest.fixture
def narrow(tmp_path):
    with narrow_server(tmp_path) as server:
        yield server


def test_ten_edits_in_a_row_leave_nothing_behind(narrow):
    status = Path(f"/proc/{narrow.process.pid}/status")
    if not status.exists():
        pytest.skip("the memory of a process is read from /proc")

    def resident() -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmRSS"))

    prompt, held = refined(narrow.get("/object_info")), []
    points = prompt[workflow.find(prompt, "GoodDrag_Points")]["inputs"]
    for x in range(52, 66):
        points["points"] = json.dumps([[[40, 60], [x, 64]]])
        narrow.run(prompt)
        held.append(resident())
    grown = max(held[-3:]) / max(held[1:4]) - 1
    print(f"resident memory over ten edits: {grown:+.2%}")
    assert grown <= 0.02
