"""A benchmark that was run: its samples, rows and pictures, for those who judge them afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .. import files
from .datasets import check, opened
from .reading import is_text, parsed, text
from .rows import Row, Rows, picture
from .sample import Dataset
from .stored import stored

NOTE = "run.json"


def note(folder: Path, dataset: str, options: dict, key: str) -> None:
    """Write down what a folder's rows are of."""
    told = {"dataset": dataset, "options": options, "key": key}
    files.write(folder / NOTE, (json.dumps(told, indent=2) + "\n").encode())


def tells(folder: Path, dataset: str, key: str, names: Sequence[str]) -> bool:
    """Whether a folder's note is of this dataset and key already, and of all these samples."""
    try:
        noted, options, other = _noted(text(folder / NOTE))
        return (noted, other) == (dataset, key) and {e.name for e in opened(noted, **options)}.issuperset(names)
    except (OSError, ValueError):
        return False


def check_folder(folder: Path) -> None:
    """Raise ``ValueError`` for what no benchmark can have been run in."""
    if not os.path.isdir(folder):
        raise ValueError(f"{folder} is no folder; give the one that python -m gooddrag bench wrote to")


def _noted(words: str) -> tuple[str, dict, str]:
    """Dataset, options and key. Raises ``ValueError`` for what ``note`` does not write."""
    told = parsed(words)
    dataset, options, key = (
        (told.get(k) for k in ("dataset", "options", "key")) if isinstance(told, dict) else [None] * 3
    )
    if not (is_text(dataset) and is_text(key) and isinstance(options, dict)):
        raise ValueError("it does not say what was run")
    check(options)
    return dataset, options, key


@dataclass(frozen=True)
class Finished:
    """``rows`` are those of edits that succeeded; ``key`` is of the settings that made them."""

    folder: Path
    samples: Dataset
    rows: tuple[Row, ...]
    key: str

    @classmethod
    def open(cls, folder: Path) -> Finished:
        """Raises ``ValueError`` for a folder that no benchmark was run in."""
        check_folder(folder)
        try:
            dataset, options, key = _noted(text(folder / NOTE))
        except FileNotFoundError:
            raise ValueError(
                f"{folder} has no {NOTE}; give the folder that python -m gooddrag bench wrote to"
            ) from None
        except ValueError:
            raise ValueError(f"{folder / NOTE} is damaged; run the same bench again to mend it") from None
        rows = tuple(r for r in Rows(folder, key).read() if "error" not in r)
        if not rows:
            raise ValueError(f"{folder} has no edits yet; run the same bench again")
        return cls(folder, opened(dataset, **options), rows, key)

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
        """Samples of which every method has a picture that can be read, in their order."""
        return [e.name for e in self.samples if all(self._stored(m, e.name) for m in methods)]

    def _stored(self, method: str, sample: str) -> Image.Image | None:
        row = next((r for r in self.rows if (r["sample"], r["method"]) == (sample, method)), {})
        return stored(picture(self.folder, method, sample), row.get("picture"))

    def picture(self, method: str, sample: str) -> np.ndarray:
        """``(H, W, 3)`` uint8. Raises ``ValueError`` for one that is missing or damaged."""
        image = self._stored(method, sample)
        if image is None:
            path = picture(self.folder, method, sample)
            raise ValueError(f"{path} cannot be read, or other settings made it; run the same bench again to mend it")
        return np.asarray(image)
