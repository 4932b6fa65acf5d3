"""The adapter that alone knows the model: a diffusers U-Net of one of the families and how it was trained."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from . import features
from .attention import looking_at, remembering, self_attention_layers
from .conditioning import Text
from .convolution import freeze
from .family import Family, family_of
from .schedule import Schedule
from .surroundings import Surroundings, recording, surrounded
from .window import Window

if TYPE_CHECKING:
    from diffusers import UNet2DConditionModel


@dataclass(frozen=True)
class Model:
    """A U-Net, frozen, and what it predicts (``"epsilon"`` or ``"v_prediction"``).

    The U-Net decides device and dtype of the network; latents, losses and optimisers keep the dtype of the latent
    that is passed in (float32, or float64 in parity runs). ``text`` is an embedding ``(1, tokens, D)``, or a ``Conditioning``,
    which SDXL needs. Raises ``ValueError`` for a network of another family.
    """

    unet: UNet2DConditionModel
    prediction_type: str = "epsilon"

    def __post_init__(self) -> None:
        _ = self.family  # or a refusal
        if self.prediction_type not in ("epsilon", "v_prediction"):
            raise ValueError(
                f"prediction_type is {reprlib.repr(self.prediction_type)}; it must be 'epsilon' or 'v_prediction'"
            )
        freeze(self.unet)

    @cached_property
    def family(self) -> Family:
        return family_of({**self.unet.config, "_class_name": type(self.unet).__name__})

    @property
    def device(self) -> torch.device:
        return self.unet.device

    def schedule(self, steps: int, strength: float) -> Schedule:
        return Schedule(steps, strength, self.prediction_type)

    def predict(self, z: Tensor, t: int | Tensor, text: Text) -> Tensor:
        """Prediction shaped like ``z``; see ``features.predict``."""
        return features.predict(self.unet, z, t, text)

    def predict_with_features(self, z: Tensor, t: int, text: Text, block: str) -> tuple[Tensor, Tensor]:
        """Prediction and F(z); see ``features.predict_with_features``."""
        return features.predict_with_features(self.unet, z, t, text, block)

    def features(self, z: Tensor, t: int, text: Text, block: str) -> Tensor:
        """F(z) alone; the blocks after ``block`` are not evaluated."""
        return features.predict_with_features(self.unet, z, t, text, block, features_only=True)[1]

    def look(
        self, z: Tensor, t: int, text: Text, block: str, mutual_blocks: Sequence[str], window: Window | None = None
    ) -> tuple[Tensor, Tensor, dict[str, Tensor], Surroundings | None]:
        """Prediction, F(z), the inputs of the self-attention layers of ``mutual_blocks``, which ``predict_looking`` needs, and
        with a ``window`` what ``surrounded`` needs."""
        layers = self_attention_layers(self.unet, mutual_blocks)
        with ExitStack() as contexts:
            memory = contexts.enter_context(remembering(self.unet, layers))
            around = contexts.enter_context(recording(self.unet, window)) if window else None
            prediction, feature = self.predict_with_features(z, t, text, block)
        return prediction, feature, memory, around

    def predict_looking(self, z: Tensor, t: int, text: Text, memory: Mapping[str, Tensor]) -> Tensor:
        """Prediction of a latent whose self-attention takes keys and values from what ``look`` remembered."""
        with looking_at(self.unet, memory):
            return self.predict(z, t, text)

    @contextmanager
    def surrounded(self, by: Surroundings) -> Iterator[None]:
        """While active, latents are windows, and so are predictions and features; also while gradients are taken of them."""
        with surrounded(self.unet, by):
            yield

    @contextmanager
    def checkpointed(self) -> Iterator[None]:
        """While active, the backward pass computes activations again instead of keeping them."""
        before = self.unet.is_gradient_checkpointing
        self.unet.enable_gradient_checkpointing()
        try:
            yield
        finally:
            if not before:
                self.unet.disable_gradient_checkpointing()
