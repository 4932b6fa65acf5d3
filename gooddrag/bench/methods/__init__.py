"""What is compared, behind one interface: a method edits a ``Prepared`` picture and gives an ``Edited`` one.

All share the mask and the precision, and those of the engine also LoRA, inversion, settings and what is locked outside of the mask:
what the name says is what differs. SDE-Drag inverts nothing; DragGAN has a generator of its own and locks nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .alternating import AS_MANY, DRAGDIFFUSION, alternating, dragdiffusion
from .edited import Edited
from .gan import draggan
from .prepared import Prepared
from .sde import sde_drag
from .warp import warp

__all__ = ["METHODS", "Edited", "Method", "Prepared"]


@dataclass(frozen=True)
class Method:
    """``worldly``: it edits pictures of the demo world only."""

    words: str
    edit: Callable[[Prepared], Edited]
    worldly: bool = False


def nothing(prepared: Prepared) -> Edited:
    """The picture as the autoencoder makes it: what every edit is measured against."""
    return Edited(prepared.undragged, ended="not dragged")


METHODS = {
    "gooddrag": Method("GoodDrag", alternating()),
    "exact-source": Method("GoodDrag, the source read from its inversion", alternating(exact_source=True)),
    "warp-start": Method(
        "the same from a warped latent, handles at their targets",
        alternating(exact_source=True, warp_start=True, warp_from=0),
    ),
    "without-aldd": Method("GoodDrag without AlDD: all operations at T", alternating(at_once=True)),
    "without-ip": Method("GoodDrag without information preservation: Eq. 7", alternating(information_preserving=False)),
    "ip-once": Method("GoodDrag with one gradient step an operation, J = 1", alternating(gradient_steps=1)),
    "dragdiffusion": Method("DragDiffusion: 80 operations at T, Eq. 7, J = 1", dragdiffusion(DRAGDIFFUSION)),
    "dragdiffusion-210": Method("DragDiffusion*: 210 operations", dragdiffusion(AS_MANY)),
    "sde-drag": Method("SDE-Drag: copy and paste, noise mends", sde_drag),
    "warp": Method("the inverted latent warped once, as FastDrag does", warp),
    "draggan": Method("DragGAN on a generator of the demo world, the picture inverted", draggan, worldly=True),
    "nothing": Method("no edit", nothing),
}
"""By the name that ``--method`` takes."""
