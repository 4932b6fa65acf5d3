"""Rankings by people: read from a CSV, and how well each metric agrees with them (Table 3 of the paper)."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .finished import Finished
from .gscore.scoring import judged, means
from .metrics.ranks import by_picture
from .reading import text
from .tables import LOWER_IS_BETTER, by_sample, told

NEEDED = ("sample", "method", "rank")
LAST = 10**6
"""A rank beyond this is a mistake."""


@dataclass(frozen=True)
class Ranking:
    """``rank`` 1 is the best; equal ranks are allowed."""

    person: str
    sample: str
    method: str
    rank: float
    question: str = ""


def read(path: Path, finished: Finished) -> list[Ranking]:
    """A CSV with the columns sample, method and rank, person where there are several, and question where there
    are several; commas, semicolons or tabs. Raises
    ``ValueError`` with the line that cannot be read."""
    try:
        words = text(path)
    except (OSError, ValueError) as error:
        reason = error.strerror or error if isinstance(error, OSError) else error
        raise ValueError(f"{path} cannot be read ({reason}); give a CSV in UTF-8") from None
    head = words.partition("\n")[0]
    reader = csv.DictReader(words.splitlines(), delimiter=max(",;\t", key=head.count))
    try:
        return _rankings(path, reader, finished)
    except csv.Error as error:  # such as a cell that is a whole file, after a quote that nothing ends
        raise ValueError(f"{path}, line {reader.line_num}: {error}; no cell of a ranking is like that") from None


def _rankings(path: Path, reader: csv.DictReader, finished: Finished) -> list[Ranking]:
    names = {str(name).strip().lower(): name for name in reader.fieldnames or ()}
    if missing := [name for name in NEEDED if name not in names]:
        raise ValueError(
            f"{path} has no column {', '.join(missing)}; it needs {', '.join(NEEDED)}, and may have person"
        )
    samples, methods = {e.name for e in finished.samples}, set(finished.methods)
    found: dict[tuple[str, ...], Ranking] = {}
    for number, row in enumerate(reader, 2):
        given = {name: (row.get(column) or "").strip() for name, column in names.items()}
        where = f"{path}, line {number}"
        try:
            rank = float(given["rank"])
        except ValueError:
            rank = float("nan")
        if not 1 <= rank <= LAST:
            raise ValueError(f"{where}: the rank is {given['rank'][:40]!r}; it is a number, 1 for the best")
        if given["sample"] not in samples:
            raise ValueError(f"{where}: there is no sample {given['sample'][:200]!r} in {finished.folder}")
        if given["method"] not in methods:
            raise ValueError(
                f"{where}: there is no method {given['method'][:200]!r}; there are {', '.join(finished.methods)}"
            )
        ranking = Ranking(given.get("person", ""), given["sample"], given["method"], rank, given.get("question", ""))
        key = ranking.person, ranking.sample, ranking.method, ranking.question
        if key in found:
            raise ValueError(
                f"{where}: {ranking.person or 'somebody'} ranks {ranking.method} of {ranking.sample} twice"
            )
        found[key] = ranking
    if not found:
        raise ValueError(f"{path} has no rankings")
    return list(found.values())


def consensus(rankings: Sequence[Ranking]) -> dict[str, dict[str, float]]:
    """The mean rank by sample and method."""
    values: dict[str, dict[str, list[float]]] = {}
    for r in rankings:
        values.setdefault(r.sample, {}).setdefault(r.method, []).append(r.rank)
    return {s: {m: float(np.mean(v)) for m, v in of.items()} for s, of in values.items()}


def agreement(rankings: Sequence[Ranking], finished: Finished) -> str:
    """Eq. 11 of every metric with the mean ranks of people, +1 where it orders as they do, and of each person with the others: more
    than that no metric can be asked for. A table for each question. Markdown."""
    questions = dict.fromkeys(r.question for r in rankings)
    return "\n".join(_agreement([r for r in rankings if r.question == q], finished, q) for q in questions)


def _agreement(rankings: Sequence[Ranking], finished: Finished, question: str) -> str:
    people = consensus(rankings)
    persons = sorted({r.person for r in rankings})
    lines = ["| metric | rank correlation, Eq. 11 | compared |", "| --- | --- | --- |"]

    def line(name: str, rhos: list[float]) -> None:
        if rhos:
            lines.append(f"| {name} | {told(rhos)} | {len(rhos)} |")

    if len(persons) > 1:
        rhos = []
        for person in persons:
            own = consensus([r for r in rankings if r.person == person])
            others = consensus([r for r in rankings if r.person != person])
            rhos += by_picture(others, own, least=2).values()
        line("a person, with the mean of the others", rhos)
    figures = {name: by_sample(finished.rows, name) for name in _numbers(finished)}
    for name, values in figures.items():
        sign = 1 if name in LOWER_IS_BETTER else -1
        line(name, [sign * rho for rho in by_picture(people, values, least=2).values()])
    scores = judged(finished)
    for judge in sorted({r["asked"]["judge"] for r in scores}):
        own = means([r for r in scores if r["asked"]["judge"] == judge])
        turned = {s: {m: own[m][s] for m in own if s in own[m]} for s in people}
        line(f"GScore by {judge}", [-rho for rho in by_picture(people, turned, least=2).values()])
    counted = f"{_count(len(persons), 'person', 'people')}, {_count(len(people), 'picture', 'pictures')}"
    if len(lines) == 2:
        lines.append("| no picture has two edits that people ranked apart and a metric measured | | 0 |")
    about = f"{question.capitalize()}: agreement" if question else "Agreement"
    words = (
        f"{about} with {counted}; +1: it orders the edits of a picture as they do, 0: not at all. 95 % intervals over what was "
        "compared:"
    )
    return "\n".join([words, "", *lines, ""])


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


COST = {"operations", "evaluations", "gradients", "seconds", "prepared_seconds"}


def _numbers(finished: Finished) -> list[str]:
    names = dict.fromkeys(name for row in finished.rows for name in row if name not in COST)
    return [n for n in names if any(isinstance(r.get(n), (int, float)) for r in finished.rows)]
