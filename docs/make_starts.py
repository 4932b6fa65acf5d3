"""Draws docs/starts.jpg, long drags from the inverted latent and from the warped one: ``python docs/make_starts.py plain=DIR``.

``DIR``, one or several, are folders of bench runs with their pictures. Nothing is chosen by hand: the drags that gain most, those
in the middle, and those that lose most.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

HERE = Path(__file__).parent
METHODS = {"original": "picture", "truth": "true result", "gooddrag": "from z_T", "warp-start": "from z_T warped"}
SIDE, GAP, LINE = 132, 6, 18
SHOWN = 3
"""Drags of each sort, a column each."""


def drags(folder: Path) -> list[tuple[float, float, Path, str]]:
    """Error ratio from the latent and from the warped one, for each long drag whose pictures are there."""
    ratios: dict[str, dict[str, float]] = {}
    for line in (folder / "results.jsonl").read_text().splitlines():
        row = json.loads(line)
        if row["kind"].startswith("long") and "ratio" in row:
            ratios.setdefault(row["sample"], {})[row["method"]] = row["ratio"]
    return [
        (found["gooddrag"], found["warp-start"], folder / "pictures", name)
        for name, found in ratios.items()
        if {"gooddrag", "warp-start"} <= set(found)
        and all((folder / "pictures" / m / f"{name}.png").is_file() for m in METHODS)
    ]


def main() -> None:
    found = [drag for given in sys.argv[1:] for drag in drags(Path(given.split("=", 1)[1]))]
    found.sort(key=lambda drag: drag[1] - drag[0])
    middle = (len(found) - SHOWN) // 2
    chosen = found[:SHOWN] + found[middle : middle + SHOWN] + found[-SHOWN:]
    left = 104
    size = left + len(chosen) * (SIDE + GAP), len(METHODS) * (SIDE + GAP) + 2 * LINE
    sheet, font = Image.new("RGB", size, "white"), ImageFont.load_default(13)
    draw = ImageDraw.Draw(sheet)
    for row, (method, words) in enumerate(METHODS.items()):
        draw.text((2, LINE + row * (SIDE + GAP) + SIDE // 2), words, "black", font)
        for column, (_, _, folder, name) in enumerate(chosen):
            picture = Image.open(folder / method / f"{name}.png").convert("RGB").resize((SIDE, SIDE))
            sheet.paste(picture, (left + column * (SIDE + GAP), LINE + row * (SIDE + GAP)))
    for column, (plain, warped, _, _) in enumerate(chosen):
        x = left + column * (SIDE + GAP)
        draw.text((x + 2, size[1] - LINE), f"{plain:.2f}, then {warped:.2f}", "black", font)
    for i, words in enumerate(("the three that gain most", "three in the middle", "the three that lose most")):
        draw.text((left + i * SHOWN * (SIDE + GAP) + 2, 1), words, "black", font)
    sheet.save(HERE / "starts.jpg", quality=80, optimize=True)


if __name__ == "__main__":
    main()
