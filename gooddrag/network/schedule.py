"""The noise schedule: diffusers' DDIM and inverse DDIM schedulers with the settings of Stable Diffusion, SDXL included.

Eq. 2 is ``DDIMScheduler.step``, Eq. 3 ``DDIMInverseScheduler.step``; ``tests/network/test_schedule.py`` proves it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from torch import Tensor

from ..libraries import importing

if TYPE_CHECKING:
    from diffusers import DDIMInverseScheduler, DDIMScheduler

SD_SCHEDULE = dict(
    num_train_timesteps=1000,
    beta_start=0.00085,
    beta_end=0.012,
    beta_schedule="scaled_linear",
    clip_sample=False,
    set_alpha_to_one=False,
    steps_offset=1,
)


def prediction_type_of(scheduler: Mapping) -> str:
    """What a model predicts by diffusers' configuration of its ``scheduler``. Raises ``ValueError`` for a model that was trained
    with another schedule."""
    kind = scheduler.get("_class_name", "")
    if "EDM" in kind:
        other = kind
    elif "Flow" in kind:
        other = "flow matching"
    elif scheduler.get("rescale_betas_zero_snr"):
        other = "zero terminal SNR"
    else:
        names = ("num_train_timesteps", "beta_start", "beta_end", "beta_schedule")
        changed = [n for n in names if scheduler.get(n) not in (None, SD_SCHEDULE[n])]
        other = ", ".join(f"{n} {scheduler[n]}" for n in changed)
    if other:
        raise ValueError(
            f"the model has another noise schedule than Stable Diffusion ({other}); GoodDrag cannot invert with it. Use one with "
            "the usual schedule"
        )
    return scheduler.get("prediction_type") or "epsilon"


@dataclass(frozen=True)
class Schedule:
    """``round(strength * steps)`` of the last of ``steps`` DDIM timesteps (38 of 50 by default: 741, 721, .. 1).

    ``prediction_type`` is diffusers' name of what the U-Net predicts: ``"epsilon"`` or ``"v_prediction"``.
    """

    steps: int = 50
    strength: float = 0.75
    prediction_type: str = "epsilon"

    @cached_property
    def _denoiser(self) -> DDIMScheduler:
        with importing("diffusers"):
            from diffusers import DDIMScheduler
        scheduler = DDIMScheduler(**SD_SCHEDULE, prediction_type=self.prediction_type)
        scheduler.set_timesteps(self.steps)
        return scheduler

    @cached_property
    def _inverter(self) -> DDIMInverseScheduler:
        with importing("diffusers"):
            from diffusers import DDIMInverseScheduler
        scheduler = DDIMInverseScheduler(**SD_SCHEDULE, prediction_type=self.prediction_type)
        scheduler.set_timesteps(self.steps)
        return scheduler

    @cached_property
    def timesteps(self) -> tuple[int, ...]:
        """The active timesteps from the noisiest, T, to the last."""
        return tuple(self._denoiser.timesteps.tolist()[self.steps - round(self.strength * self.steps) :])

    def denoise(self, prediction: Tensor, t: int, z: Tensor) -> tuple[Tensor, Tensor]:
        """One DDIM step z_t -> z_{t-1} (Eq. 2). Returns it and the predicted z_0, both shaped like ``z``."""
        return self._denoiser.step(prediction, t, z, return_dict=False)

    def invert(self, prediction: Tensor, t: int, z: Tensor) -> Tensor:
        """One inversion step z_{t-1} -> z_t (Eq. 3), ``prediction`` evaluated at (z_{t-1}, t)."""
        return self._inverter.step(prediction, t, z, return_dict=False)[0]

    def noised(self, z: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """The forward process at timesteps ``t`` ``(b,)`` (Eq. 1)."""
        return self._denoiser.add_noise(z, noise, t)

    def target(self, z: Tensor, noise: Tensor, t: Tensor) -> Tensor:
        """What the U-Net is trained to predict from ``noised(z, noise, t)``."""
        return noise if self.prediction_type == "epsilon" else self._denoiser.get_velocity(z, noise, t)
