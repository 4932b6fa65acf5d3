"""The families of U-Nets that can be dragged: one row each, with what is chosen for it and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..config import AUTO, DragConfig


@dataclass(frozen=True)
class Family:
    """``feature_block``: whose output is F. ``mutual_blocks``: whose self-attention looks at the source once dragging has ended.
    ``latent_scale``: times the autoencoder's latent is the U-Net's. ``side`` of the square
    that has as many pixels as suit it. ``levels`` of resolution, ``linear`` projections around
    its transformers, and ``added`` conditioning beside the text tell it from the others."""

    name: str
    levels: int
    linear: bool
    added: bool
    feature_block: str
    mutual_blocks: tuple[str, ...]
    latent_scale: float
    side: int

    def settled(self, config: DragConfig) -> DragConfig:
        """``config`` with this family's blocks where it leaves them open."""
        changes = {}
        if config.feature_block == AUTO:
            changes["feature_block"] = self.feature_block
        if config.mutual_blocks == (AUTO,):
            changes["mutual_blocks"] = self.mutual_blocks
        return config.replace(**changes) if changes else config


FAMILIES = (
    # The paper's own choice: the last block but one, whose output has the latent's resolution, and MasaCtrl's layers from 10 on.
    # The demo model is of this topology.
    Family(
        "Stable Diffusion 1.x",
        levels=4,
        linear=False,
        added=False,
        feature_block="up_blocks.2",
        mutual_blocks=("up_blocks.2", "up_blocks.3"),
        latent_scale=0.18215,
        side=768,
    ),
    # The same blocks with other text and other projections.
    Family(
        "Stable Diffusion 2.x",
        levels=4,
        linear=True,
        added=False,
        feature_block="up_blocks.2",
        mutual_blocks=("up_blocks.2", "up_blocks.3"),
        latent_scale=0.18215,
        side=768,
    ),
    # One level less, so the counterpart of the paper's block has another number: again the last but one, at the latent's
    # resolution. The last block has no attention; what remains of the self-attention layers from there on are numbers 64 to 69.
    # On 27 drags with a known result coarser features are worse by far, and earlier layers change the ratio by a hundredth
    # (docs/performance.md, SDXL's blocks).
    Family(
        "SDXL",
        levels=3,
        linear=True,
        added=True,
        feature_block="up_blocks.1",
        mutual_blocks=("up_blocks.1",),
        latent_scale=0.13025,
        side=1024,
    ),
)

SUPPORTED = "a Stable Diffusion 1.x, 2.x or SDXL base model"

OTHER_CHANNELS = {
    3: "a U-Net on pixels",
    5: "a depth U-Net",
    7: "an upscaler",
    8: "an instruct-pix2pix U-Net",
    9: "an inpainting U-Net",
}
"""What U-Nets are for that take other than 4 channels."""


def refused(config: Mapping) -> str | None:
    """What a network is, by diffusers' ``config`` of it, that belongs to none of the families; None if it belongs to one."""
    kind = config.get("_class_name", "UNet2DConditionModel")
    if kind != "UNet2DConditionModel":
        return f"a {kind}" + (" for video" if any(word in kind for word in ("3D", "Temporal", "Motion")) else "")
    channels, levels = config["in_channels"], len(config["block_out_channels"])
    if channels != 4:
        return f"{OTHER_CHANNELS.get(channels, 'a U-Net')} with {channels} input channels"
    if config.get("out_channels", 4) != 4:
        return f"a U-Net with {config['out_channels']} output channels"
    added, classes = config.get("addition_embed_type"), config.get("class_embed_type")
    if added == "text_time" and levels == 4:
        return "the SDXL refiner"
    if added not in (None, "text_time") or classes is not None or config.get("num_class_embeds") is not None:
        return f"a U-Net that is told more than text ({added or classes or 'classes'})"
    if _row(config) is None:
        return f"a U-Net with {levels} levels of resolution{' and added conditioning' if added else ''}"
    return None


def _row(config: Mapping) -> Family | None:
    levels, added = len(config["block_out_channels"]), config.get("addition_embed_type") is not None
    linear = bool(config.get("use_linear_projection"))
    rows = [f for f in FAMILIES if (f.levels, f.added) == (levels, added)]
    return next((f for f in rows if f.linear == linear), rows[0] if rows else None)


def family_of(config: Mapping) -> Family:
    """The family of a U-Net by diffusers' ``config`` of it. Raises ``ValueError`` that says what else it is."""
    if what := refused(config):
        raise ValueError(f"this is {what}, which GoodDrag cannot drag; use {SUPPORTED}")
    return _row(config)
