"""What a CONDITIONING says to the engine, and what it carries that a drag cannot use."""

from __future__ import annotations

from collections.abc import Sequence

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..gooddrag.finite import finite
from ..gooddrag.network.conditioning import Conditioning, Text
from ..gooddrag.network.guidance import Guidance
from . import control, families, host, notices

SIZES = ("width", "height", "crop_w", "crop_h", "target_width", "target_height")
HARMLESS = {
    *SIZES, "pooled_output",  # read of SDXL, not by Stable Diffusion 1.x and 2.x
    "attention_mask", "uuid", "aesthetic_score", "guidance", "t5xxl_ids", "t5xxl_weights",  # not read by any of them
    "set_area_to_bounds", "control_apply_to_uncond", "mask_strength", "concat_mask", "noise_augmentation",  # parts of others
}  # fmt: skip
WORDS = {
    "control": "a ControlNet",
    "area": "an area",
    "mask": "a mask",
    "gligen": "GLIGEN boxes",
    "hooks": "hooks (LoRAs or weights that the prompt switches on)",
    "concat_latent_image": "a picture to inpaint",
    "noise_mask": "a picture to inpaint",
    "reference_latents": "reference pictures",
    "unclip_conditioning": "a picture as prompt (unCLIP)",
    "default": "a default prompt",
}
NEUTRAL = {
    "strength": 1.0,
    "start_percent": 0.0,
    "end_percent": 1.0,
    "clip_start_percent": 0.0,
    "clip_end_percent": 1.0,
}

TEXT = "connect a CLIPTextEncode, its text may be empty"
OWN_CLIP = "connect a CLIPTextEncode on the CLIP of this checkpoint, or of a DualCLIPLoader set to sdxl"


def _extras(options: dict) -> list[str]:
    """In words, what changes a picture that ComfyUI's samplers make and not a drag."""
    found = []
    for key, value in options.items():
        if key in HARMLESS or value is None or (isinstance(value, (list, tuple)) and not value):
            continue
        number = _number(value)
        if key in NEUTRAL and number == NEUTRAL[key]:
            continue
        if key == "strength" and number is not None:
            found.append(f"a strength of {number:g}")
        elif key in NEUTRAL and key != "strength":
            found.append("a range of timesteps")
        else:
            found.append(WORDS.get(key, f"`{key}`"))
    return sorted(set(found))


def _number(value: object) -> float | None:
    """What nodes give for a number, such as an array that holds one; None for anything else."""
    try:
        return float(value.item() if hasattr(value, "item") else value)
    except (TypeError, ValueError, RuntimeError):
        return None


def _first(conditioning: list, name: str) -> tuple[Tensor, dict]:
    """The text ``(b, tokens, D)`` of the first prompt of a CONDITIONING, and what else it carries. Raises ``ValueError`` when
    there is none."""
    if not isinstance(conditioning, (list, tuple)):
        raise ValueError(f"`{name}` is a {type(conditioning).__name__}, no CONDITIONING; {TEXT}")
    if not conditioning:
        raise ValueError(f"`{name}` is empty; {TEXT}")
    first = conditioning[0]
    text, options = first if isinstance(first, (list, tuple)) and len(first) == 2 else (first, None)
    if not isinstance(text, Tensor) or not text.is_floating_point():
        kind = str(text.dtype) if isinstance(text, Tensor) else type(text).__name__
        raise ValueError(f"`{name}` holds a {kind} in place of an encoded text; {TEXT}")
    text = text[None] if text.ndim == 2 else text
    if text.ndim != 3 or not text.numel():
        raise ValueError(f"`{name}` is {host.shape(text)}, and a text is 1 x tokens x numbers for each; {TEXT}")
    return text, options if isinstance(options, dict) else {}


def text_of(
    conditioning: list, name: str = "positive", *, model: ModelPatcher | None = None, honoured: Sequence[str] = ()
) -> Tensor:
    """The text embedding ``(1, tokens, D)`` of a CONDITIONING; what else it carries is named and left away. Raises ``ValueError``
    when there is none, or when ``model`` takes another D. ``honoured``: keys of what is not left away."""
    text, options = _first(conditioning, name)
    width = None if model is None else model.model.model_config.unet_config["context_dim"]
    if width is not None and text.shape[-1] != width:
        raise ValueError(
            f"`{name}` has {text.shape[-1]} numbers for a token{_family(text.shape[-1])} but `model` takes {width}"
            f"{_family(width)}; connect a CLIPTextEncode whose `clip` comes from the same checkpoint as `model`"
        )
    ignored = _extras({key: value for key, value in options.items() if key not in honoured})
    further = len(conditioning) - 1 + text.shape[0] - 1
    if further:
        ignored.append(f"{further} further prompt{'s' if further > 1 else ''}")
    if ignored:
        notices.tell(f"`{name}` carries {', '.join(ignored)}: not used here, only the first prompt is.")
    return host.plain(
        finite(text[:1], f"`{name}`", "look at the text encoder and at what changes the prompt behind it")
    )


def _family(width: int | None) -> str:
    names = {
        768: "Stable Diffusion 1.x",
        1024: "Stable Diffusion 2.x",
        2048: "Stable Diffusion XL",
        4096: "T5, as of SD3 or Flux",
    }
    return f" ({names[width]})" if width in names else ""


def told(
    model: ModelPatcher, conditioning: list, z: Tensor, name: str = "positive", *, size: tuple[int, int] | None = None
) -> Text:
    """What a CONDITIONING tells the MODEL's U-Net of the latent ``z`` ``(b, 4, h, w)``: the text, and of SDXL also the pooled text
    and the sizes, made by ComfyUI. Sizes that the CONDITIONING does not name are those of the picture. With the ``size``
    (width, height) of the picture before padding also its ControlNets."""
    text = text_of(conditioning, name, model=model, honoured=() if size is None else ("control",))
    asked = None if size is None else control.of(_first(conditioning, name)[1], model, size, name)
    added = _added(model, conditioning, z, name)
    return text if added is None and asked is None else Conditioning(text, added, asked)


def guidance(
    model: ModelPatcher, scale: float, positive: list, negative: list | None, z: Tensor, size: tuple[int, int]
) -> Guidance | None:
    """Away from ``negative`` by ``scale``; None where that is 1. Raises ``ValueError`` without a negative. A ControlNet that
    *Apply ControlNet (OLD)* put on ``positive`` acts on the negative too, as in ComfyUI's samplers."""
    if scale == 1:
        if negative is not None:
            notices.tell("`negative` does nothing while `guidance` is 1; raise `guidance` to keep away from it.")
        return None
    if negative is None:
        raise ValueError(f"`guidance` is {scale:g} and `negative` is not connected; {TEXT}, or set `guidance` to 1")
    given = _first(positive, "positive")[1]
    both = given.get("control") if given.get("control_apply_to_uncond") else None
    text, options = _first(negative, "negative")
    if both is not None and options.get("control") is None:
        negative = [[text, {**options, "control": both}], *negative[1:]]
    return Guidance(scale, told(model, negative, z, "negative", size=size))


def _added(model: ModelPatcher, conditioning: list, z: Tensor, name: str) -> Tensor | None:
    """Pooled text and sizes of SDXL; None for other families."""
    width = families.unet_config(model).get("projection_class_embeddings_input_dim")
    if width is None:
        return None
    options = _first(conditioning, name)[1]
    pooled = options.get("pooled_output")
    if pooled is None:
        raise ValueError(f"`{name}` has no pooled text, which SDXL needs; {OWN_CLIP}")
    pooled = pooled[None] if isinstance(pooled, Tensor) and pooled.ndim == 1 else pooled
    if not isinstance(pooled, Tensor) or pooled.ndim != 2 or not pooled.numel():
        shape = "x".join(map(str, getattr(pooled, "shape", ())))
        raise ValueError(
            f"`{name}` has a {type(pooled).__name__} {shape} as pooled text, which is 1 x numbers; {OWN_CLIP}"
        )
    given = {"width": z.shape[-1] * 8, "height": z.shape[-2] * 8, **_sizes(options, name)}
    added = model.model.encode_adm(**given, pooled_output=pooled, device=model.load_device)[:1]
    if added.shape[1] != width:
        right = width - (added.shape[1] - pooled.shape[1])
        raise ValueError(
            f"`{name}` has {pooled.shape[1]} numbers of pooled text, and `model` needs {right}; {OWN_CLIP}"
        )
    return host.plain(finite(added, f"the pooled text of `{name}`", "look at the text encoder"))


def _sizes(options: dict, name: str) -> dict[str, float]:
    """SDXL's sizes that a CONDITIONING names. Raises ``ValueError`` for what is no number."""
    sizes = {}
    for key in SIZES:
        if options.get(key) is not None:
            number = _number(options[key])
            if number is None:
                raise ValueError(
                    f"`{name}` carries {str(options[key])[:60]!r} as {key}, which is no number of pixels; connect a "
                    "CLIPTextEncode or CLIPTextEncodeSDXL"
                )
            sizes[key] = number
    return sizes
