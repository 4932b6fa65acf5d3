"""Draws the icon, the banner and the animated drag of the README from the demo world: ``python docs/make_pictures.py``.

With ``--still`` the animation is left as it is."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from gooddrag import demo  # noqa: E402
from gooddrag.demo import evaluate, world  # noqa: E402
from gooddrag.network import codec  # noqa: E402
from gooddrag.overlay import draw_points  # noqa: E402

DRAGS = (("arm", 1003), ("ears", 1005))
"""Of the animation, one after the other."""
FACE = 1000
STRIP = (1001, 1004, 1000)
"""Scenes of the banner."""
ACCENT = (86, 156, 255)


def arrow(picture: Image.Image, start: tuple[float, float], end: tuple[float, float], width: int) -> None:
    """As the editor draws one: a dot, a line, a ring."""
    draw = ImageDraw.Draw(picture)
    for extra, colour in ((width // 2, (255, 255, 255)), (0, ACCENT)):
        draw.line([start, end], fill=colour, width=width + extra)
        radius = 1.6 * width + extra / 2
        draw.ellipse([start[0] - radius, start[1] - radius, start[0] + radius, start[1] + radius], fill=colour)
    for radius, colour in ((2.1 * width, (255, 255, 255)), (1.7 * width, ACCENT), (1.1 * width, (255, 255, 255))):
        draw.ellipse([end[0] - radius, end[1] - radius, end[0] + radius, end[1] + radius], fill=colour)


def dragged(number: int, side: int, width: int) -> Image.Image:
    """A scene with the arrow of its arm's drag."""
    chosen = demo.drag("arm", number)
    picture, points = Image.fromarray(world.render(chosen.scene(0), side)), chosen.points
    ends = [tuple((v + 0.5) * side / 256 for v in p[0]) for p in (points.handles, points.targets)]
    arrow(picture, *ends, width)
    return picture


def icon() -> Image.Image:
    return dragged(FACE, 800, 26).resize((400, 400), Image.Resampling.LANCZOS)


def banner() -> Image.Image:
    picture = Image.new("RGB", (1680, 720))
    width = 1680 // len(STRIP)
    for i, number in enumerate(STRIP):
        left = (720 - width) // 2
        picture.paste(dragged(number, 720, 16).crop((left, 0, left + width, 720)), (i * width, 0))
    return picture


def frames(kind: str, number: int, model, vae) -> list[tuple[Image.Image, int]]:
    """The pictures of one drag, each with its milliseconds."""
    chosen = demo.drag(kind, number)
    before = Image.fromarray(chosen.picture(0))
    _, edit = evaluate.run(chosen, model, vae)
    shown = [(before, 700), (draw_points(before, chosen.points, chosen.mask), 1300)]
    with torch.no_grad():
        shown += [(codec.to_image(codec.decode(vae, z, (256, 256))), 160) for _, z in edit.drag.previews]
    return [*shown, (codec.to_image(edit.image), 1800)]


def main() -> None:
    icon().save(ROOT / "docs" / "icon.png", optimize=True)
    banner().save(ROOT / "docs" / "banner.jpg", quality=85)
    if "--still" in sys.argv:
        return
    model, vae = demo.load()
    shown = [frame for kind, number in DRAGS for frame in frames(kind, number, model, vae)]
    pictures = [p.resize((384, 384), Image.Resampling.LANCZOS) for p, _ in shown]
    pictures[0].save(
        ROOT / "docs" / "drag.webp", save_all=True, append_images=pictures[1:], duration=[ms for _, ms in shown], loop=0,
        quality=75, method=6,
    )  # fmt: skip
    sheet = np.concatenate([np.asarray(p) for p in pictures[:: max(len(pictures) // 6, 1)]], axis=1)
    print(f"{len(pictures)} frames; a sheet of some of them is {sheet.shape[1]} x {sheet.shape[0]}")


if __name__ == "__main__":
    main()
