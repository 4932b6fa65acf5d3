"""Draws docs/methods.jpg, the paper's methods side by side: ``python docs/make_methods.py DIR``.

``DIR`` is the folder of a bench run of the demo world with its pictures. Nothing is chosen by its result: all drags of one scene.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
METHODS = {
    "original": "picture",
    "truth": "true result",
    "gooddrag": "GoodDrag",
    "without-aldd": "without AlDD",
    "without-ip": "without IP",
    "dragdiffusion": "DragDiffusion",
    "sde-drag": "SDE-Drag",
    "warp": "latent warp",
}
DRAGS = ("move", "lean", "tail", "mouth", "hat", "sun", "long-move", "long-arm", "long-sun", "long-cloud")
SCENE = 2002
SIDE, GAP, LINE, LEFT = 96, 4, 16, 92


def main() -> None:
    folder = Path(sys.argv[1])
    rows = map(json.loads, (folder / "results.jsonl").read_text().splitlines())
    ratios = {(r["method"], r["sample"]): r["ratio"] for r in rows if "ratio" in r}
    row = SIDE + LINE
    sheet = Image.new("RGB", (LEFT + len(DRAGS) * (SIDE + GAP), LINE + len(METHODS) * row), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for i, (method, words) in enumerate(METHODS.items()):
        draw.text((2, LINE + i * row + SIDE // 2), words, "black", font)
        for j, drag in enumerate(DRAGS):
            name, x = f"{drag}-{SCENE}", LEFT + j * (SIDE + GAP)
            picture = Image.open(folder / "pictures" / method / f"{name}.png").convert("RGB").resize((SIDE, SIDE))
            sheet.paste(picture, (x, LINE + i * row))
            if (method, name) in ratios:
                draw.text((x + 2, LINE + i * row + SIDE), f"{ratios[method, name]:.2f}", "black", font)
            if not i:
                draw.text((x + 2, 1), drag.replace("-", " "), "black", font)
    sheet.save(HERE / "methods.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    main()
