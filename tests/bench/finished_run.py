"""A finished benchmark of four small pictures, as the runner leaves one."""

import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from gooddrag import files
from gooddrag.bench import finished
from gooddrag.bench.rows import Rows, picture

METHODS = ("gooddrag", "dragdiffusion", "warp")
SAMPLES = ("cat_0", "cat_1", "cat_2", "cat_3")


def make(folder: Path, dai=lambda sample, method: 0.1 * (METHODS.index(method) + 1)) -> finished.Finished:
    pictures, out = folder / "dataset", folder / "out"
    for i, name in enumerate(SAMPLES):
        place = pictures / name
        place.mkdir(parents=True)
        original = np.random.default_rng(i).integers(0, 256, (64, 72, 3), dtype=np.uint8)
        Image.fromarray(original).save(place / "original.png")
        (place / "points.json").write_text(json.dumps({"points": [[20, 20], [40, 30 + i]]}))
        for k, method in enumerate((*METHODS, "nothing")):
            path = picture(out, method, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            buffer = io.BytesIO()
            Image.fromarray(np.full((64, 72, 3), 40 * k + i, np.uint8)).save(buffer, format="png")
            files.write(path, buffer.getvalue())
    finished.note(out, str(pictures), {"limit": None}, "key")
    rows = [
        {"sample": s, "kind": "", "method": m, "dai_1": dai(s, m), "psnr": 20.0, "seconds": 1.0}
        for s in SAMPLES
        for m in METHODS
    ]
    Rows(out, "key").add(rows)
    return finished.Finished.open(out)
