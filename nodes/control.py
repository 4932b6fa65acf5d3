"""ControlNets and T2I-Adapters that a CONDITIONING carries, asked while a picture is inverted and dragged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import comfy.utils
import torch
from comfy.controlnet import ControlBase
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..gooddrag.finite import finite
from ..gooddrag.method.trace import DragTrace
from ..gooddrag.network.conditioning import Conditioning, Text
from ..gooddrag.network.control import Residuals
from ..gooddrag.network.memory import is_out_of_memory
from ..gooddrag.picture.geometry import pad
from . import notices


@dataclass(frozen=True, eq=False)
class ComfyControl:
    """The chain of controls on the CONDITIONING of the input ``name``, as the engine asks it: latents and timesteps become what
    ComfyUI's samplers work with. Its hints have been padded as the picture is."""

    chain: ControlBase
    model: ModelPatcher
    name: str

    def __call__(self, z: Tensor, t: int, given: Conditioning) -> Residuals | None:
        sigma = self.model.get_model_object("model_sampling").sigma(torch.tensor([float(t)])).to(z)
        cond = {"c_crossattn": given.text.to(z).expand(len(z), -1, -1)}
        if given.added is not None:
            cond["y"] = given.added.to(z).expand(len(z), -1)
        try:
            maps = self.chain.get_control(z * (sigma**2 + 1).sqrt(), sigma.expand(len(z)), cond, len(z), {})
        except RuntimeError as error:
            if is_out_of_memory(error):
                raise
            raise ValueError(self._unfit()) from error
        if maps is None:
            return None
        # an adapter's are of one latent, and diffusers does not add its middle one to several
        return self._residuals(maps).each(lambda x: x.expand(len(z), -1, -1, -1))

    def _residuals(self, maps: dict[str, list]) -> Residuals:
        """Of ComfyUI's lists, which its U-Net takes apart from behind."""
        down, middle = maps.get("output", []), maps.get("middle", [])
        inside = [x for x in reversed(maps.get("input", [])) if x is not None]
        widths = self.model.model.model_config.unet_config
        first = [x for x in (down[0] if down else None, inside[0] if inside else None) if x is not None]
        if any(x.shape[1] != widths["model_channels"] * widths["channel_mult"][0] for x in first):
            raise ValueError(self._unfit())
        mid = middle[0] if middle else None
        if mid is not None and not down:  # an adapter's, of SDXL
            return Residuals(intrablock=(*inside, mid))
        return Residuals(tuple(down), mid, tuple(inside))

    def _unfit(self) -> str:
        return (
            f"the ControlNet or adapter on `{self.name}` does not fit `model`, it is of another family; load one that was made for "
            "the family of the checkpoint"
        )


def _links(chain: ControlBase | None) -> Iterator[ControlBase]:
    while chain is not None:
        yield chain
        chain = chain.previous_controlnet


def _padded(control: ControlBase, size: tuple[int, int]) -> ControlBase:
    """A copy whose hints fit a picture of ``size`` (width, height), and are padded as that is; ComfyUI would stretch them."""
    copy = control.copy()
    with torch.inference_mode(False):
        hint = control.cond_hint_original.clone()
        if (hint.shape[-1], hint.shape[-2]) != size:
            hint = comfy.utils.common_upscale(hint, *size, control.upscale_algorithm, "center")
        copy.cond_hint_original = pad(hint)
    if control.previous_controlnet is not None:
        copy.set_previous_controlnet(_padded(control.previous_controlnet, size))
    return copy


def of(options: dict, model: ModelPatcher, size: tuple[int, int], name: str) -> ComfyControl | None:
    """What a CONDITIONING with these ``options`` asks besides its text, for a picture of ``size`` (width, height); None if nothing.
    Raises ``ValueError`` for a hint that holds NaN, and for controls of families that are not dragged."""
    chain = options.get("control")
    if chain is None:
        return None
    if not isinstance(chain, ControlBase):
        notices.tell(f"`{name}` carries a {type(chain).__name__} in place of a ControlNet: not used here.")
        return None
    for link in _links(chain):
        if link.latent_format is not None or link.cond_hint_original is None or link.extra_concat_orig:
            raise ValueError(
                f"`{name}` carries a {type(link).__name__} that asks for more than a picture as hint (a VAE, a mask); use a "
                "ControlNet or T2I-Adapter made for Stable Diffusion 1.x, 2.x or SDXL"
            )
        hint = link.cond_hint_original
        if not isinstance(hint, Tensor) or hint.ndim != 4 or not hint.numel():
            shape = "x".join(map(str, getattr(hint, "shape", ()))) or type(hint).__name__
            raise ValueError(
                f"the hint of the ControlNet on `{name}` is {shape}, which is no picture; connect one to the node that applies it"
            )
        finite(hint, f"the hint of the ControlNet on `{name}`", "look at the node that makes it")
    if chain.get_extra_hooks():
        notices.tell(f"The ControlNet on `{name}` carries hooks (LoRAs or weights that it switches on): not used here.")
    return ComfyControl(_padded(chain, size), model, name)


def tell_of_own_hint(told: Text, traces: Iterable[DragTrace]) -> None:
    """Say why a drag did not get there, where a hint that shows the picture as it is has told it to stay."""
    if Conditioning.of(told).control is not None and any(trace.ended != "reached" for trace in traces):
        notices.tell(
            "The handles did not arrive, and the ControlNet on `positive` of GoodDrag DDIM Inversion holds the picture to its "
            "hint: connect the hint of the result to `edited`, lower the ControlNet's strength or end its range early."
        )


def _controls(texts: Sequence[Text]) -> list[ComfyControl]:
    found = [Conditioning.of(text).control for text in texts]
    return list(dict.fromkeys(c for c in found if c is not None))


def models(*texts: Text) -> list[ModelPatcher]:
    """What ComfyUI has to load for them beside the U-Net."""
    return [m for c in _controls(texts) for m in c.chain.get_models()]


@contextmanager
def running(*texts: Text) -> Iterator[None]:
    """While active, the controls of ``texts`` can be asked, as between the beginning and the end of a sampler's run."""
    controls = _controls(texts)
    try:
        for c in controls:
            c.chain.pre_run(c.model.model, c.model.get_model_object("model_sampling").percent_to_sigma)
        yield
    finally:
        for c in controls:
            c.chain.cleanup()
