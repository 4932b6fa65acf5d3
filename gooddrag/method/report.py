"""How far a drag is, and how long its stages take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import torch

from ..progress import Progress
from .state import Edit


class Report:
    """Tells ``callback`` of every step of ``edits``: of ``gradients``, which are planned at most, and of the denoising
    ``steps``, before each of which the source makes one. ``seconds`` are those of each stage."""

    def __init__(self, callback: Callable[[Progress], None], edits: Sequence[Edit], gradients: int, steps: int):
        self.callback, self.edits, self.gradients = callback, edits, gradients
        self.done, self.total = 0, gradients + 2 * steps
        self.seconds = {"reference": 0.0, "drag": 0.0, "denoise": 0.0}
        self.running, self.since = "reference", time.monotonic()

    def stage(self, name: str) -> None:
        """This one begins, and the last one is over."""
        now = time.monotonic()
        self.seconds[self.running] += now - self.since
        self.running, self.since = name, now

    def reference(self, t: int, dragged: Sequence[Edit]) -> None:
        """The source is asked for a timestep at which these edits are dragged."""
        self.stage("reference")
        if dragged:
            self._say(t)
        self.done += 1

    def gradient(self, t: int, edit: Edit) -> None:
        """One is about to be taken; ``edit`` tells its last loss."""
        self._say(t, loss=edit.loss)
        self.done += 1
        self.gradients -= 1

    def denoised(self, t: int) -> None:
        """All edits are at the next timestep."""
        self.stage("denoise")
        self.done += 1
        if not any(e.handles.going for e in self.edits):  # no more gradients will be taken
            self.done, self.gradients = self.done + self.gradients, 0
        latents, previews = ([getattr(e, name) for e in self.edits] for name in ("z", "preview"))
        self._say(t, latent=torch.cat(latents), preview=torch.cat(previews))

    def _say(self, t: int, **more) -> None:
        handles = tuple(pixel for e in self.edits for pixel in e.handles.pixels)
        self.callback(Progress(self.running, self.done, self.total, t, handles=handles, **more))
