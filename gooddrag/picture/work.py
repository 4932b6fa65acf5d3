"""How much drawing a mask may cost, counted while it is drawn."""

from __future__ import annotations

from collections.abc import Callable

LIMIT = 1_000_000_000
"""Of all work on one mask, in units of about a nanosecond of one core."""


def nothing() -> None:
    """Of a drawing that nobody ends."""


class Work:
    """Counts what drawing costs, and asks before every piece of it whether to go on.

    ``check`` is called with nothing and may raise, which ends the drawing. ``spend`` raises ``ValueError`` that names
    the kind of shapes to clear when the whole costs more than ``limit``.
    """

    def __init__(self, size: tuple[int, int], check: Callable[[], None], limit: int | None = None):
        self.size, self.check, self.limit = size, check, LIMIT if limit is None else limit
        self.spent: dict[str, float] = {}

    def spend(self, cost: float, kind: str) -> None:
        """Announce ``cost`` units for shapes of this kind, a plural."""
        self.check()
        self.spent[kind] = self.spent.get(kind, 0) + cost
        if sum(self.spent.values()) > self.limit:
            most = max(self.spent, key=self.spent.__getitem__)
            raise ValueError(
                f"the mask would take too long to draw on a picture of {self.size[0]}x{self.size[1]} pixels, most of it "
                f"for its {most}; clear the mask, or undo {most}, and draw with fewer"
            )
