"""Coverage-guided fuzzing of what reads text: ``python -m tests.properties.fuzz value -max_total_time=60``.

Needs atheris (``pip install atheris``; Linux and macOS). Files, which C and Rust read, are `test_files`' matter.
Further arguments are libFuzzer's. Whatever is raised besides ``ValueError`` ends
it, with the input in a file; such an input becomes a fixed case of a test.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable

import atheris


def value(data: bytes) -> None:
    """The editor's value, in any of the forms that are read."""
    module = importlib.import_module("gooddrag.picture.value")
    found = module.parse(data.decode("utf-8", "replace"))
    assert module.parse(module.dump(found)) == found


def reply(data: bytes) -> None:
    """What a judge of GScore answers."""
    importlib.import_module("gooddrag.bench.gscore.question").read(data.decode("utf-8", "replace"), 5)


TARGETS = {f.__name__: f for f in (value, reply)}


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"say what to fuzz: {', '.join(TARGETS)}")
    target: Callable[[bytes], None] = TARGETS[sys.argv[1]]
    with atheris.instrument_imports(include=["gooddrag", "json"]):
        for data in (b"", b"[[[1,2],[3,4]]]"):
            try:
                target(data)  # imports what is fuzzed
            except ValueError:
                pass

    def once(data: bytes) -> None:
        try:
            target(data)
        except ValueError:
            pass

    atheris.Setup([sys.argv[0], *sys.argv[2:]], once)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
