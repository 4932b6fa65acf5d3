"""The unedited picture on its way from z_T to z_0: what every edit of an inversion reads of it, evaluated once."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..config import DragConfig
from ..finite import finite, of_unet
from ..network.conditioning import Conditioning, Text
from ..network.family import Family
from ..network.guidance import alike
from ..network.memory import free_bytes
from ..network.model import Model
from ..network.surroundings import Surroundings
from ..network.window import Window
from .inversion import Inversion

SHARE = 0.25
"""Of the memory that gradients leave free: as much may be kept for later edits."""
UNKNOWN = 2 << 30
"""Bytes that are taken for free where torch cannot tell."""

SETTINGS = {
    "feature_block": "feature block",
    "mutual_blocks": "mutual attention",
    "exact_source": "reading of the source (exact_source)",
}
"""That decide what a source is."""


@dataclass(frozen=True)
class Read:
    """What an evaluation of the edited latent reads of one of the unedited: the inputs of the mutual self-attention layers by
    name, and what surrounds a window."""

    memory: dict[str, Tensor]
    surroundings: Surroundings | None

    @property
    def tensors(self) -> list[Tensor]:
        return [*self.memory.values(), *(self.surroundings.tensors if self.surroundings else ())]


@dataclass(frozen=True)
class SourceStep:
    """The unedited picture at timestep ``t``, number ``index``: z_t^0, z_{t-1}^0 and the z_0 that is predicted, ``(1, 4, h, w)``,
    F(z_t^0) ``(1, C, h', w')`` and what is ``read``. What was not kept is None. Under guidance also what is read under the
    ``negative`` prompt, and in ``followed`` z_{t-1}^0 as a DDIM step under the prompt alone would have it, where that is not
    ``denoised``. ``offset``: what the step to an exact z_{t-1}^0 adds to that of DDIM."""

    index: int
    t: int
    latent: Tensor
    denoised: Tensor
    preview: Tensor
    feature: Tensor | None = None
    read: Read | None = None
    negative: Read | None = None
    followed: Tensor | None = None
    offset: Tensor | None = None

    def has(self, *, feature: bool, memory: bool, window: Window | None) -> bool:
        """Whether all is here that is asked for."""
        return (
            (self.feature is not None or not feature)
            and (self.read is not None or not (memory or window))
            and (window is None or (self.read.surroundings is not None and self.read.surroundings.window == window))
        )

    @property
    def wanted(self) -> Tensor:
        """z_{t-1}^0 that z_{t-1}^k of a gradient step is compared with: both by DDIM, under the prompt alone."""
        return self.denoised if self.followed is None else self.followed

    @property
    def size(self) -> int:
        """Bytes of what is read, which need not be kept."""
        tensors = [t for read in (self.read, self.negative) if read for t in read.tensors]
        return sum({t.data_ptr(): t.nbytes for t in tensors}.values())


class Source:
    """Denoises ``inversion`` without edits, one timestep after the other, when a step is asked for.

    Latents are always kept. Features, attention inputs and the surroundings of the last window are kept too as far as a
    quarter of the memory that gradients leave free holds them for all timesteps, so that a further edit evaluates nothing of
    the source; else they are computed again when they are read. ``evaluations`` counts how often the U-Net was run. The same
    model, with the same LoRAs, must be passed to every call. With ``config.exact_source`` the latents are those of the
    inversion, so that z_0 comes out as it went in, and what DDIM misses of each step is its ``offset``.
    """

    def __init__(self, inversion: Inversion, config: DragConfig):
        if config.exact_source and len(inversion.path) != len(inversion.schedule.timesteps) + 1:
            raise ValueError(
                "exact_source needs the latents on the inversion's way, which this one has not kept; invert anew"
            )
        self.inversion, self.config = inversion, config
        self.steps: list[SourceStep] = []
        self.keep = False
        self.window: Window | None = None  # for which that was decided
        self.evaluations = 0
        self.left = 0  # bytes for gradients

    def leave(self, needed: int, window: Window | None) -> None:
        """Gradients in this ``window`` will need so many bytes: what is kept gives way to them, and so does what is of another
        window."""
        self.left = needed
        kept = any(s.read is not None or s.feature is not None for s in self.steps)
        free = free_bytes(self.inversion.latent.device) if kept else None
        other = window is not None and window != self.window
        if kept and (other or (free is not None and free < needed)):
            self.steps = [replace(s, feature=None, read=None, negative=None) for s in self.steps]
            self.keep = False

    def fits(self, inversion: Inversion, config: DragConfig, family: Family) -> bool:
        """Whether an edit of this inversion with these settings may read this source."""
        return not self.foreign(inversion, config, family)

    def foreign(self, inversion: Inversion, config: DragConfig, family: Family) -> str:
        """In words what an edit that may not read this source has of its own: another inversion or other settings; ``family`` is
        the model's. Empty for one that may."""
        same = inversion is self.inversion or (
            inversion.schedule == self.inversion.schedule
            and torch.equal(inversion.latent, self.inversion.latent)
            and Conditioning.of(inversion.text).same(self.inversion.text)
            and alike(inversion.guidance, self.inversion.guidance)
        )
        mine, others = family.settled(self.config), family.settled(config)
        other = [words for name, words in SETTINGS.items() if getattr(mine, name) != getattr(others, name)]
        return " and ".join([*(["inversion"] if not same else []), *other])

    @torch.no_grad()
    def step(
        self, model: Model, i: int, *, feature: bool = False, memory: bool = False, window: Window | None = None
    ) -> SourceStep:
        """The ``i``-th timestep, with its feature map, its attention inputs or the surroundings of a window where these are
        asked for."""
        while len(self.steps) < i:  # only when an edit begins in the middle of a source that was not looked at yet
            self.step(model, len(self.steps))
        known = self.steps[i] if i < len(self.steps) else None
        if known and known.has(feature=feature, memory=memory, window=window):
            return known
        inversion, t = self.inversion, self.inversion.schedule.timesteps[i]
        path = inversion.path if self.config.exact_source else ()
        z = path[i] if path else known.latent if known else self.steps[i - 1].denoised if i else inversion.latent
        prediction, seen, read = self._look(model, z, t, inversion.text, window)
        followed = negative = None
        if guidance := inversion.guidance:
            followed, _ = inversion.schedule.denoise(prediction, t, z)
            unwanted, _, negative = self._look(model, z, t, guidance.negative, window)
            prediction = guidance(prediction, unwanted)
        denoised, preview = inversion.schedule.denoise(prediction, t, z)
        finite(denoised, "the unedited latent", of_unet(model.unet.dtype))
        offset = None
        if path:
            followed, offset = denoised if followed is None else followed, path[i + 1] - denoised
            denoised = path[i + 1]
        plain = SourceStep(i, t, z, denoised, preview, followed=followed, offset=offset)
        feature = feature or (known is not None and known.feature is not None)
        whole = replace(plain, feature=seen if feature else None, read=read, negative=negative)
        if not self.keep or window != self.window:
            free = free_bytes(z.device)
            every = whole.size * len(inversion.schedule.timesteps) + seen.nbytes * self.config.drag_steps
            self.keep, self.window = every <= SHARE * (UNKNOWN if free is None else free - self.left), window
        self.steps[i : i + 1] = [whole if self.keep else plain]
        return whole

    def _look(self, model: Model, z: Tensor, t: int, text: Text, window: Window | None) -> tuple[Tensor, Tensor, Read]:
        """Prediction, F(z) and what is read of both, when ``text`` is told."""
        config = model.family.settled(self.config)
        self.evaluations += 1
        prediction, feature, *read = model.look(z, t, text, config.feature_block, config.mutual_blocks, window)
        return prediction, feature, Read(*read)
