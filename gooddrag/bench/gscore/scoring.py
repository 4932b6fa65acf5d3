"""Every sample is shown to the judge several times, its results in another order each time; what it says is kept as rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from ..finished import Finished
from ..lock import held
from ..methods import METHODS
from ..reading import lines
from ..rows import Row, append, sound_scores
from ..tables import over, told
from .endpoints import Endpoint, Refused
from .question import LETTERS, question, read

FILE = "gscore.jsonl"
READ_AGAIN = 3
"""Attempts at a reply that can be read."""


@dataclass(frozen=True)
class Asked:
    """What decides a row; rows of another question are left alone. ``edits``: the key of the settings that made the pictures."""

    judge: str
    methods: tuple[str, ...]
    edits: str
    runs: int = 10
    seed: int = 0

    def order(self, sample: str, run: int) -> list[str]:
        """Another for each sample and run, the same whenever it is asked for; over the runs each method comes first about equally
        often."""
        seed = np.frombuffer(f"{self.seed} {sample}".encode(), np.uint8)
        first = [self.methods[i] for i in np.random.default_rng(seed).permutation(len(self.methods))]
        turned = first[run % len(first) :] + first[: run % len(first)]
        rest = np.random.default_rng([*seed, run]).permutation(len(first) - 1) + 1
        return [turned[0], *(turned[i] for i in rest)]

    @property
    def key(self) -> dict:
        told = asdict(self) | {"methods": list(self.methods)}
        told.pop("runs")
        return told


def rows(folder: Path, asked: Asked | None = None) -> list[Row]:
    """The sound ones of a folder, all or those of one question."""
    found = filter(sound_scores, lines(folder / FILE))
    return [row for row in found if asked is None or _answers(row, asked)]


def judged(finished: Finished) -> list[Row]:
    """The scores of a bench's pictures: none of those that other settings made in the same folder."""
    return [row for row in rows(finished.folder) if "scores" in row and row["asked"].get("edits") == finished.key]


def _answers(row: Row, asked: Asked) -> bool:
    return row["asked"] == asked.key and ("error" in row or sorted(row["order"]) == sorted(asked.methods))


def score(
    finished: Finished,
    endpoint: Endpoint,
    asked: Asked,
    tell: Callable[[str], None] = lambda _: None,
    limit: int | None = None,
) -> list[Row]:
    """Ask what is missing, each answer at once on the disk. Raises ``Unreachable``, and ``ValueError`` with nothing to show."""
    if len(asked.methods) > len(LETTERS):
        raise ValueError(f"{len(asked.methods)} methods are more than a judge is shown at once, {len(LETTERS)}")
    names = finished.complete(asked.methods)[:limit]
    if not names:
        raise ValueError(f"no sample of {finished.folder} has pictures of all of {', '.join(asked.methods)}")
    others = [r for r in rows(finished.folder) if not _answers(r, asked)]
    if others:
        tell(f"{len(others)} answers in {FILE} are of other edits or another question, and are left alone")
    with held(finished.folder, "gscore"):
        _ask_missing(finished, endpoint, asked, tell, names)
    wanted = {(name, run) for name in names for run in range(asked.runs)}
    return [r for r in rows(finished.folder, asked) if (r["sample"], r["run"]) in wanted]


def _ask_missing(
    finished: Finished, endpoint: Endpoint, asked: Asked, tell: Callable[[str], None], names: Sequence[str]
) -> None:
    done = {(r["sample"], r["run"]) for r in rows(finished.folder, asked) if "error" not in r}
    for i, name in enumerate(names, 1):
        missing = [run for run in range(asked.runs) if (name, run) not in done]
        if not missing:
            continue
        sample = finished.samples[name].load()
        results = {m: finished.picture(m, name) for m in asked.methods}
        for run in missing:
            order = asked.order(name, run)
            parts = question(sample, [results[m] for m in order])
            made = {"asked": asked.key, "sample": name, "run": run, **_answer(endpoint, parts, order)}
            append(finished.folder / FILE, [made])
            if "error" in made:
                tell(f"[{i}/{len(names)}] {name}, run {run + 1}: {made['error']}")
        tell(f"[{i}/{len(names)}] {name}")


def _answer(endpoint: Endpoint, parts: list, order: Sequence[str]) -> Row:
    reason = ""
    for _ in range(READ_AGAIN):
        try:
            return {"order": list(order), "scores": read(endpoint.ask(parts), len(order))}
        except (Refused, ValueError) as error:
            reason = f"{'refused: ' if isinstance(error, Refused) else ''}{error}"
    return {"error": reason}


def means(found: Sequence[Row]) -> dict[str, dict[str, float]]:
    """By method and sample: the mean of a picture's runs."""
    values: dict[str, dict[str, list[float]]] = {}
    for row in found:
        for method, value in zip(row.get("order", ()), row.get("scores", ())):
            values.setdefault(method, {}).setdefault(row["sample"], []).append(value)
    return {m: {s: float(np.mean(v)) for s, v in of.items()} for m, of in values.items()}


def report(found: Sequence[Row], asked: Asked) -> str:
    """Markdown: means with intervals over samples, differences, and what the place in the question does. Raises ``ValueError``
    without an answer."""
    good = [r for r in found if "error" not in r]
    if not good:
        raise ValueError(f"{asked.judge} gave no answer that can be read; the reasons are in {FILE}")
    of = means(good)
    first = asked.methods[0]
    lines = ["| method | samples | GScore | difference to the first |", "| --- | --- | --- | --- |"]
    for method in asked.methods:
        values = list(of[method].values())
        common = [s for s in of[method] if s in of[first]]
        apart = "" if method == first else told([of[method][s] - of[first][s] for s in common], "+.2f")
        lines.append(f"| {METHODS[method].words} | {len(values)} | {told(values, '.2f')} | {apart} |")
    places = np.array([r["scores"] for r in good]).mean(axis=0)
    failed = len({(r["sample"], r["run"]) for r in found} - {(r["sample"], r["run"]) for r in good})
    again = np.mean(
        [np.std([r["scores"][r["order"].index(m)] for r in good if r["sample"] == s]) for m in of for s in of[m]]
    )
    return "\n".join(
        [
            f"# GScore by {asked.judge}",
            "",
            f"Means {over(len({r['sample'] for r in good}), 'sample')}, {asked.runs} runs each:",
            "",
            *lines,
            "",
            f"Between runs a picture's score deviates by {again:.2f}. By place in the question, which should not matter: "
            + ", ".join(f"{letter} {value:.2f}" for letter, value in zip(LETTERS, places))
            + f". {failed} of {len({(r['sample'], r['run']) for r in found})} questions have no answer.",
            "",
        ]
    )
