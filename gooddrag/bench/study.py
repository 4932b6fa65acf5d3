"""The ranking sheet of a user study: a page for people who shall not know which method made what, and its answers read back.

The page holds pictures under codes that mean nothing; what they stand for stays in ``study.json`` with whoever made the page.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from .. import files
from ..overlay import draw_points
from .finished import Finished
from .reading import is_text, parsed, text

QUESTIONS = {
    "accuracy": "How well did what lies where an arrow begins get to where it ends?",
    "quality": "How natural is the result, and how true to the original?",
}
"""The two parts of the paper's study."""
KEY = "study.json"
MOST = 9
"""Results of a sample: there are so many number keys."""


@dataclass(frozen=True)
class Sheet:
    html: str
    key: dict


def make(finished: Finished, methods: Sequence[str], question: str, samples: int, seed: int = 0) -> Sheet:
    """``samples`` drawn at random, all methods of each. Raises ``ValueError`` when there are no pictures to show."""
    if len(methods) > MOST:
        raise ValueError(f"{len(methods)} methods are more than there are number keys; choose some with --method")
    names = finished.complete(methods)
    if not names:
        raise ValueError(f"no sample of {finished.folder} has pictures of all of {', '.join(methods)}")
    drawn = np.random.default_rng(seed).permutation(len(names))[:samples]
    codes, shown = {}, []
    for i in drawn:
        sample = finished.samples[names[i]].load()
        results = []
        for m in np.random.default_rng([seed, i]).permutation(len(methods)):
            code = secrets.token_hex(4)
            codes[code] = [names[i], methods[m]]
            results.append({"code": code, "picture": _data(Image.fromarray(finished.picture(methods[m], names[i])))})
        asked = draw_points(Image.fromarray(sample.picture), sample.points, sample.mask)
        shown.append(
            {
                "original": _data(Image.fromarray(sample.picture)),
                "asked": _data(asked.convert("RGB")),
                "results": results,
            }
        )
    study = secrets.token_hex(4)
    data = {"study": study, "question": QUESTIONS[question], "samples": shown}
    html = _PAGE.replace("%DATA%", json.dumps(data).replace("<", "\\u003c"))
    return Sheet(html, {"study": study, "question": question, "codes": codes})


def write(sheet: Sheet, folder: Path, page: Path) -> None:
    """The page, and what its codes stand for beside those of earlier pages of this folder."""
    known = _known(folder)
    files.write(folder / KEY, json.dumps([*known, sheet.key], indent=1).encode())
    files.write(page, sheet.html.encode())


def _known(folder: Path) -> list[dict]:
    try:
        known = parsed(text(folder / KEY))
    except FileNotFoundError:
        return []
    except ValueError:
        known = None
    if not (isinstance(known, list) and all(map(_is_key, known))):
        raise ValueError(
            f"{folder / KEY} is damaged, and with it what the answers stand for; put a copy of it there, or move it away"
        )
    return known


def _is_key(given: object) -> bool:
    """Whether it is what ``make`` writes of a page."""
    if not (isinstance(given, dict) and is_text(given.get("study")) and is_text(given.get("question"))):
        return False
    codes = given.get("codes")
    pairs = codes.values() if isinstance(codes, dict) else [None]
    return all(isinstance(pair, list) and len(pair) == 2 and all(map(is_text, pair)) for pair in pairs)


def _answers(path: Path) -> tuple[str, str, dict[str, int]]:
    """The page that is answered, by whom, and the ranks by code. Raises ``ValueError`` that says what is wrong."""
    given = parsed(text(path))
    if not isinstance(given, dict):
        raise ValueError("it is no object")
    study, person, ranks = given.get("study"), given.get("person", ""), given.get("ranks")
    if isinstance(person, (int, float)):
        person = str(person)
    if not (is_text(study) and is_text(person) and isinstance(ranks, dict)):
        raise ValueError("it needs study, person and ranks")
    if bad := [r for r in ranks.values() if isinstance(r, bool) or not isinstance(r, int) or not 1 <= r <= MOST]:
        raise ValueError(f"a rank is {str(bad[0])[:40]}; it is a whole number from 1 to {MOST}")
    return study, person, ranks


def read(answers: Sequence[Path], folder: Path) -> str:
    """Rankings as CSV, of pages of this folder: person, sample, method, rank, question. Of two files of a person the later one
    counts. Raises ``ValueError`` that names a file that is none."""
    known = {s["study"]: s for s in _known(folder)}
    if not known:
        raise ValueError(
            f"no ranking page was made in {folder}; python -m gooddrag study {folder} --page FILE makes one"
        )
    rows: dict[tuple, list] = {}
    for path in answers:
        try:
            study, person, ranks = _answers(path)
        except (OSError, ValueError) as error:
            reason = error.strerror or error if isinstance(error, OSError) else error
            raise ValueError(f"{path} is no file of answers ({reason}); the page saves them as .json") from None
        if study not in known or not ranks.keys() <= known[study]["codes"].keys():
            raise ValueError(f"{path} answers another page than those of {folder}")
        for code, rank in ranks.items():
            sample, method = known[study]["codes"][code]
            question = known[study]["question"]
            rows[person, question, sample, method] = [person, sample, method, rank, question]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["person", "sample", "method", "rank", "question"])
    writer.writerows(rows.values())
    return out.getvalue()


def _data(image: Image.Image) -> str:
    buffer = io.BytesIO()
    image.save(buffer, format="WEBP", quality=95)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()


_PAGE = (Path(__file__).parent / "study.html").read_text(encoding="utf-8")
