"""Motion supervision at one timestep: the features of Algorithm 1's line 8 and the update of its line 9."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..network.gradient import Gradients
from .evaluation import Evaluation
from .motion import mask_loss
from .source import SourceStep
from .state import Edit

Maps = dict[Edit, tuple[Tensor, Tensor | None]]


class Supervision:
    """Of several edits, which share evaluations of the U-Net."""

    def __init__(self, evaluation: Evaluation, gradients: Gradients):
        self.evaluation, self.gradients, self.config = evaluation, gradients, evaluation.config
        self.graph: Maps | None = None  # what was evaluated, until a gradient of it has been taken

    def begin(self, edits: Sequence[Edit], step: SourceStep) -> None:
        """At the timestep of ``step``."""
        self.step = step
        self.evaluation.hold(edits, step)
        for e in edits:
            e.begin(step, self.config)

    def look(self, edits: Sequence[Edit]) -> None:
        """F(z_t^k) of each edit, unless it is known."""
        self.graph = self.graph or self.gradients.attempt(lambda: self._evaluate(edits))

    def update(self, edits: Sequence[Edit]) -> None:
        """Eq. 9, with Adam: z_t^k moves down the gradient of Eq. 8."""

        def losses() -> list[Tensor]:
            maps, self.graph = self.graph or self._evaluate(edits), None
            return [self._loss(e, *maps[e]) for e in edits]

        gradients, values = self.gradients(losses, [e.z for e in edits])
        for e, gradient, loss in zip(edits, gradients, values):
            e.descend(gradient, loss)
            with torch.no_grad():
                e.z.copy_(self.evaluation.region.lock(e.z, self.step.latent))

    def forget(self) -> None:
        """No gradient will be taken of what was looked at."""
        self.graph = None

    def _evaluate(self, edits: Sequence[Edit]) -> Maps:
        features, denoised = self.evaluation.features(edits, self.step)
        for e, feature in zip(edits, features):
            e.feature = feature.detach()
        return dict(zip(edits, zip(features, denoised)))

    def _loss(self, edit: Edit, feature: Tensor, denoised: Tensor | None) -> Tensor:
        """Eq. 8, or Eq. 7 without information preservation."""
        loss = edit.handles.loss(feature, edit.reference)
        if denoised is None:
            return loss
        outside = mask_loss(denoised, self.step.wanted, self.evaluation.region.editable)
        return loss + self.config.mask_weight * outside
