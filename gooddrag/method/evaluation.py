"""The U-Net on several edits at once, in the region that is edited."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ..config import DragConfig
from ..finite import finite, of_unet
from ..network.conditioning import Conditioning
from ..network.model import Model
from .inversion import Inversion
from .region import Region
from .source import Read, Source, SourceStep
from .state import Edit


@dataclass(frozen=True)
class Evaluation:
    """Every call takes the latents of several ``edits`` as a batch; around a window lies the unedited picture of ``step``.
    ``told``: what the U-Net is told of the edited picture."""

    model: Model
    inversion: Inversion
    region: Region
    config: DragConfig
    told: Conditioning

    @cached_property
    def unwanted(self) -> Conditioning | None:
        """What guidance leads away from. Where the edited picture is told of something else than the unedited one, a ControlNet on
        both prompts shows both of them its hint: guidance is by the prompt, and would enlarge a difference of hints."""
        if self.inversion.guidance is None:
            return None
        negative = Conditioning.of(self.inversion.guidance.negative)
        if negative.control is None or self.told.same(self.inversion.text):
            return negative
        return replace(negative, control=self.told.control)

    def hold(self, edits: Sequence[Edit], step: SourceStep) -> None:
        """A ControlNet is asked once in a timestep, before the first gradient step, not again for the small changes of z_t^k."""
        for e in edits:
            e.told = self.told.held(e.z, step.t, self.region.window)

    def within(self, read: Read) -> AbstractContextManager[None]:
        """While active, the model takes what the region evaluates at the timestep of which this is read."""
        return self.model.surrounded(read.surroundings) if self.region.window else nullcontext()

    def unedited(self, source: Source, i: int, *, feature: bool, memory: bool) -> SourceStep:
        """The source at timestep number ``i``, with what is read of it there."""
        return source.step(self.model, i, feature=feature, memory=memory, window=self.region.window)

    def features(self, edits: Sequence[Edit], step: SourceStep) -> tuple[Sequence[Tensor], Sequence[Tensor | None]]:
        """F(z_t^k) ``(1, C, h', w')`` of each, and z_{t-1}^k where the mask's term of the loss will ask for it."""
        z, denoised = self.region.crop(torch.cat([e.z for e in edits])), [None] * len(edits)
        text, block = Conditioning.batch([e.told for e in edits]), self.config.feature_block
        if self.region.locked:
            feature = self.model.features(z, step.t, text, block)
        else:
            prediction, feature = self.model.predict_with_features(z, step.t, text, block)
            z, _ = self.inversion.schedule.denoise(prediction, step.t, z)
            denoised = self.region.paste(z, step.wanted).split(1)
        return self.region.paste(feature, step.feature).split(1), denoised

    @torch.no_grad()
    def denoise(self, edits: Sequence[Edit], step: SourceStep, *, mutual: bool) -> None:
        """One DDIM step of each (Eq. 2), under guidance if the inversion was, and with the source's ``offset``. ``mutual``:
        self-attention takes keys and values of the unedited picture."""
        if not edits:
            return
        z = torch.cat([e.z for e in edits])
        prediction = self._predict(z, step.t, self.told, step.read, mutual)
        if guidance := self.inversion.guidance:
            prediction = guidance(prediction, self._predict(z, step.t, self.unwanted, step.negative, mutual))
        z, preview = self.inversion.schedule.denoise(prediction, step.t, self.region.crop(z))
        if step.offset is not None:  # an edit that changed nothing then comes out exactly
            z = z + self.region.crop(step.offset)
        z = self.region.lock(self.region.paste(z, step.denoised), step.denoised)
        finite(z, "the edited latent", of_unet(self.model.unet.dtype))
        for edit, *of_it in zip(edits, z.split(1), self.region.paste(preview, step.preview).split(1)):
            edit.denoised(*of_it)

    def _predict(self, z: Tensor, t: int, told: Conditioning, read: Read, mutual: bool) -> Tensor:
        """In the region, with what was ``read`` of the unedited picture around it."""
        told = told.held(z, t, self.region.window)
        with self.within(read):
            return self.model.predict_looking(self.region.crop(z), t, told, read.memory if mutual else {})
