"""``python -m devtools.templates`` writes the example workflows; with names and ``--pictures`` also the pictures of these."""

from __future__ import annotations

import argparse
import io
import json
import math
import time

from PIL import Image

from devtools import environment, workflow
from devtools.server import Server

from .catalogue import TEMPLATES, build
from .stand_in import on_the_demo_model

SIDE, COLUMNS = 256, 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m devtools.templates", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of {', '.join(TEMPLATES)}; all by default")
    parser.add_argument(
        "--pictures", action="store_true", help="run them on the demo model and write their pictures too"
    )
    args = parser.parse_args()
    if unknown := set(args.names) - set(TEMPLATES):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(TEMPLATES)}")
    with Server() as server:
        object_info = server.get("/object_info")
        for name in args.names or TEMPLATES:
            made = build(name, object_info)
            file = environment.ROOT / "example_workflows" / f"{name}.json"
            file.write_text(json.dumps(made.as_file(), indent=1) + "\n", encoding="utf-8")
            environment.say(f"wrote {file.name}")
            if args.pictures:
                start = time.monotonic()
                picture(server, made, object_info).save(file.with_suffix(".jpg"), quality=88)
                environment.say(f"wrote {file.stem}.jpg after a run of {time.monotonic() - start:.0f} s")


def picture(server: Server, made, object_info: dict) -> Image.Image:
    """The pictures that a workflow shows, side by side, from a run of it on the demo model."""
    prompt = on_the_demo_model(workflow.to_prompt(made.as_file(), object_info), *made.scene)
    for i, output in enumerate(made.shown):
        prompt[f"shown {i}"] = {
            "class_type": "PreviewImage",
            "inputs": {"images": [str(output.node), output.index]},
            "_meta": {"title": ""},
        }
    outputs = server.run(prompt)["outputs"]
    tiles = [
        Image.open(io.BytesIO(server.image(image))).convert("RGB").resize((SIDE, SIDE), Image.Resampling.LANCZOS)
        for i in range(len(made.shown))
        for image in outputs[f"shown {i}"]["images"]
    ]
    columns = len(tiles) if len(tiles) <= COLUMNS else math.ceil(len(tiles) ** 0.5)
    sheet = Image.new("RGB", (SIDE * columns, SIDE * -(-len(tiles) // columns)), (38, 40, 46))
    for i, tile in enumerate(tiles):
        sheet.paste(tile, (SIDE * (i % columns), SIDE * (i // columns)))
    return sheet


if __name__ == "__main__":
    main()
