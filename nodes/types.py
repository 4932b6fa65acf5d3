"""Socket types of this pack, for what ComfyUI has no type of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from comfy_api.v0_0_2 import io
from torch import Tensor

from ..gooddrag.config import DragConfig
from ..gooddrag.method.inversion import Inversion
from ..gooddrag.method.source import Source
from ..gooddrag.method.state import DragState
from ..gooddrag.method.trace import DragTrace
from ..gooddrag.network.family import Family
from ..gooddrag.picture.geometry import DragPoints

DragPointsType = io.Custom("GOODDRAG_POINTS")
InversionType = io.Custom("GOODDRAG_INVERSION")
TraceType = io.Custom("GOODDRAG_TRACE")
StateType = io.Custom("GOODDRAG_STATE")

CATEGORY = "GoodDrag"

STATES = 16
"""Kept of an inversion: each holds on to the unedited picture that it read."""


def several(value) -> tuple:
    """What a GOODDRAG_POINTS or GOODDRAG_TRACE carries: one, or a tuple with one for each picture of a batch."""
    return value if isinstance(value, tuple) else (value,)


def points_for_page(points: DragPoints) -> dict:
    """The pairs as the editor compares them with its own."""
    return {"handles": points.handles, "targets": points.targets}


def result_for_page(value: TraceValue) -> dict:
    """What the editor draws after a run: the asked pairs, and the path of each handle, on the picture that they were placed on."""
    points, placed = value.trace.points, value.placed
    fx, fy = placed.width / points.width, placed.height / points.height
    seen = ([((x + 0.5) * fx - 0.5, (y + 0.5) * fy - 0.5) for x, y in t.handles] for t in value.trace.trackings)
    return {"points": points_for_page(placed), "paths": list(zip(placed.handles, *seen))}


@dataclass
class InversionValue:
    """What a GOODDRAG_INVERSION carries: the inversion, and what later edits of it can use again. It goes when ComfyUI drops the
    inversion from its cache. ``states`` are where samplers stopped, by who ran (see ``last_run``);
    ``model`` and ``picture`` are fingerprints of what was inverted (see ``belonging``), ``models`` of what sources were drawn
    with."""

    inversion: Inversion
    states: dict[tuple, DragState] = field(default_factory=dict)
    model: str | None = None
    picture: str | None = None
    models: WeakKeyDictionary[Source, str] = field(default_factory=WeakKeyDictionary)
    _source: Source | None = None
    _drawn_with: WeakKeyDictionary[Source, object] = field(default_factory=WeakKeyDictionary)

    def keep(self, who: tuple, state: DragState) -> None:
        """Where ``who`` stopped; of the many clients of an API the last count."""
        self.states.pop(who, None)
        self.states[who] = state
        while len(self.states) > STATES:
            del self.states[next(iter(self.states))]

    def source(self, model: object, family: Family, config: DragConfig) -> Source:
        """The unedited picture as ``model`` (a key for its weights and patches) draws it; kept are the last one and those that
        samplers can go on with."""
        sources = [self._source, *(state.source for state in self.states.values())]
        known = (s for s in sources if s is not None and self._drawn_with.get(s) == model)
        found = next((s for s in known if s.fits(self.inversion, config, family)), None)
        self._source = found or Source(self.inversion, config)
        self._drawn_with[self._source] = model
        return self._source


@dataclass(frozen=True)
class TraceValue:
    """What a GOODDRAG_TRACE carries for one picture: the record, and what was expected after each dragged denoising step as
    (drag operations so far, unscaled latent). ``placed`` are the points as they were given, perhaps on a larger picture;
    ``source`` is the undragged picture, an unscaled latent; ``kept`` ``(H, W)`` is 1 where drags before this one changed what its
    mask does not."""

    trace: DragTrace
    frames: list[tuple[int, Tensor]]
    placed: DragPoints
    source: Tensor
    kept: Tensor | None = None
