"""Many edits and cancels in one server: ``python -m tests.faults.soak --edits 200 --cancels 1000`` prints what stays behind."""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from breakable import breakable
from test_matrix import Edit

from devtools import workflow
from devtools.server import ServerError, failure


def told(when: str, edit: Edit, start: float) -> dict:
    left = edit.server.get("/faults/left")
    megabytes = {name: round(size / 1e6, 1) for name, size in left["memory"].items()}
    print(
        f"{when}: {megabytes} MB, {left['files']} files, {left['alive']}, {time.monotonic() - start:.0f} s", flush=True
    )
    return left


def move(edit: Edit, number: int) -> None:
    """Another arrow, so that the drag is computed."""
    points = workflow.find(edit.prompt, "GoodDrag_Points")
    x = 100 + number % 40
    edit.prompt[points]["inputs"]["points"] = json.dumps([[[x, 120], [x + 12, 128 + number % 7]]]) if number else ""


def edits(edit: Edit, count: int) -> None:
    start, first = time.monotonic(), edit.picture()
    for i in range(1, count):
        move(edit, i)
        edit.run()
        if i in (count // 10, count - 1):
            told(f"after {i + 1} edits", edit, start)
    move(edit, 0)
    edit.server.forget()
    print(f"first and last picture are {'the same' if edit.picture() == first else 'NOT THE SAME'}", flush=True)


def cancels(edit: Edit, count: int) -> None:
    """Queued in tens, interrupted at any moment; then one more edit is right."""
    start, chance, ended = time.monotonic(), random.Random(0), {}
    expected = edit.picture()
    for i in range(0, count, 10):
        ids = []
        for k in range(i, i + 10):
            move(edit, k + 1)
            ids.append(edit.server.submit(edit.prompt))
        while any(edit.server.get("/queue")[name] for name in ("queue_running", "queue_pending")):
            time.sleep(chance.uniform(0, 0.25))
            edit.server.post("/interrupt", {})
        for key in ids:
            entry = edit.server.wait(key)
            how = "done" if entry["status"]["status_str"] == "success" else failure(entry)
            ended[how] = ended.get(how, 0) + 1
        if i + 10 in (max(count // 100 * 10, 10), count):
            told(f"after {i + 10} cancels", edit, start)
    print(f"they ended: {ended}", flush=True)
    move(edit, 0)
    edit.server.forget()
    print(f"the next picture is {'the same' if edit.picture() == expected else 'NOT THE SAME'}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--cancels", type=int, default=1000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, breakable(Path(folder)) as server:
        edit = Edit(server)
        try:
            if args.edits:
                edits(edit, args.edits)
            if args.cancels:
                cancels(edit, args.cancels)
        except ServerError as error:
            sys.exit(f"an edit failed: {error}")


if __name__ == "__main__":
    main()
