"""A benchmark that was run: its samples, rows and pictures, for those who judge them afterwards."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .. import files
from .datasets import opened
from .rows import Row, Rows, picture
from .sample import Dataset

NOTE = "run.json"


def note(folder: Path, dataset: str, options: dict, key: str) -> None:
    """Write down what a folder's rows are of."""
    told = {"dataset": dataset, "options": options, "key": key}
    files.write(folder / NOTE, (json.dumps(told, indent=2) + "\n").encode())


@dataclass(frozen=True)
class Finished:
    """``rows`` are those of edits that succeeded."""

    folder: Path
    samples: Dataset
    rows: tuple[Row, ...]

    @classmethod
    def open(cls, folder: Path) -> Finished:
        """Raises ``ValueError`` for a folder that no benchmark was run in."""
        try:
            told = json.loads((folder / NOTE).read_text(encoding="utf-8"))
            dataset, options, key = told["dataset"], told["options"], told["key"]
        except FileNotFoundError:
            raise ValueError(
                f"{folder} has no {NOTE}; give the folder that python -m gooddrag bench wrote to"
            ) from None
        except (ValueError, KeyError, TypeError):
            raise ValueError(f"{folder / NOTE} is damaged; run the same bench again to mend it") from None
        rows = tuple(r for r in Rows(folder, key).read() if "error" not in r)
        if not rows:
            raise ValueError(f"{folder} has no edits yet; run the same bench again")
        return cls(folder, opened(dataset, **options), rows)

    @property
    def methods(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(r["method"] for r in self.rows))

    def chosen(self, methods: Sequence[str] | None) -> tuple[str, ...]:
        """All but that which does nothing, or those asked for. Raises ``ValueError`` for one that was not run."""
        if unknown := [m for m in methods or () if m not in self.methods]:
            raise ValueError(f"{', '.join(unknown)} was not run in {self.folder}; there are {', '.join(self.methods)}")
        chosen = tuple(dict.fromkeys(methods or (m for m in self.methods if m != "nothing")))
        if len(chosen) < 2:
            raise ValueError(f"there is only {', '.join(chosen)} to compare; it takes two methods")
        return chosen

    def complete(self, methods: Sequence[str]) -> list[str]:
        """Samples of which every method has a picture, in their order."""
        return [e.name for e in self.samples if all(picture(self.folder, m, e.name).is_file() for m in methods)]

    def picture(self, method: str, sample: str) -> np.ndarray:
        """``(H, W, 3)`` uint8."""
        with Image.open(picture(self.folder, method, sample)) as image:
            return np.asarray(image.convert("RGB"))
