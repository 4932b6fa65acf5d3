"""What a figure gives: rows, words and a drawing."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from ..optional import needed

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def drawing() -> ModuleType:
    """Raises ``LibraryError`` without matplotlib."""
    return needed("matplotlib.figure", "drawing a figure")


@dataclass(frozen=True)
class Shown:
    """``rows`` are plain numbers and names, ``finding`` sentences and a table as Markdown; ``draw`` fills a matplotlib figure of
    ``size`` inches."""

    rows: list[dict]
    finding: str
    size: tuple[float, float]
    draw: Callable[[Figure], None]

    def png(self) -> bytes:
        """Raises ``LibraryError`` without matplotlib."""
        figure = drawing().Figure(figsize=self.size, layout="constrained")
        self.draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, dpi=110)
        return buffer.getvalue()


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))
