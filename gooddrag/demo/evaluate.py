"""Measure the demo model on held-out drags whose true result is known: ``python -m gooddrag.demo.evaluate``.

For each drag, with the picture before (B), the truth (T, drawn), the edit (E) and the autoencoder's version of the
undragged picture (V):

* ratio: mean ``|E - T|`` inside the mask over mean ``|V - T|``; below 1 is better than doing nothing;
* done: the fraction f of the true drag, out of 0, 0.05 .. 1.4, whose rendering is nearest to E inside the mask;
* left: pixels that the tracker says are left, the mean over the pairs;
* outside: mean ``|E - V|`` outside the mask, in levels of 255;
* reconstruction: PSNR in dB of the picture inverted and denoised without a drag, against V.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ..config import DragConfig
from ..edit import Edit, edit
from ..network import codec
from . import KINDS, WEIGHTS, Drag, drag, load, text, truth

EDITOR = DragConfig(background="lock", window=True, lora_steps=20)
"""The settings of the quickstart workflow: the nodes' defaults, and fewer LoRA steps than the paper's 70."""


@dataclass(frozen=True)
class Result:
    """Figures of one drag; see the module's docstring."""

    kind: str
    seed: int
    ratio: float
    done: float
    left: float
    outside: float
    reconstruction: float
    operations: int
    seconds: float


def array(image: torch.Tensor | Image.Image | np.ndarray) -> np.ndarray:
    """A picture as float32 ``(H, W, 3)`` in 0..255; a tensor ``(1, 3, H, W)`` is in -1..1."""
    if isinstance(image, torch.Tensor):
        image = codec.to_image(image)
    return np.asarray(image).astype(np.float32)


def fraction_done(chosen: Drag, edited: np.ndarray) -> float:
    """The fraction of the true drag whose rendering is nearest to the edited picture inside the mask."""
    return truth.share_done(lambda f: chosen.picture(f).astype(np.float32), edited, chosen.mask)


def error_ratio(chosen: Drag, edited: np.ndarray, undragged: np.ndarray) -> float:
    """How much of the error of doing nothing is left inside the mask."""
    return truth.error_ratio(chosen.picture(1).astype(np.float32), edited, undragged, chosen.mask)


def measure(chosen: Drag, result: Edit, undragged: np.ndarray, seconds: float) -> Result:
    edited, source = array(result.image), array(result.source)
    return Result(
        chosen.kind,
        chosen.seed,
        error_ratio(chosen, edited, undragged),
        fraction_done(chosen, edited),
        statistics.fmean(result.drag.trace.distances),
        float(np.abs(edited - undragged)[~chosen.mask].mean()),
        float(10 * np.log10(255**2 / max(np.square(source - undragged).mean(), 1e-6))),
        result.drag.trace.operations,
        seconds,
    )


def run(chosen: Drag, model, vae, config: DragConfig = EDITOR) -> tuple[Result, Edit]:
    """Edit one held-out scene and measure the edit."""
    image = codec.to_tensor(Image.fromarray(chosen.picture(0))).to(model.device)
    undragged = array(codec.decode(vae, codec.encode(vae, image)[0], image.shape[:1:-1]))
    start = time.monotonic()
    mask = torch.from_numpy(chosen.mask)
    result = edit(model, vae, text(model), image, chosen.points, mask, config, seed=chosen.seed)
    return measure(chosen, result, undragged, time.monotonic() - start), result


def interval(values: Sequence[float], of: Callable = np.median, rounds: int = 2000) -> tuple[float, float]:
    """95 % bootstrap interval of a statistic ``of`` the values along an axis; the same values give the same interval."""
    rng = np.random.default_rng(0)
    drawn = of(rng.choice(np.asarray(values, dtype=float), (rounds, len(values))), axis=1)
    return float(np.percentile(drawn, 2.5)), float(np.percentile(drawn, 97.5))


def table(results: list[Result]) -> str:
    """The results as Markdown, by kind and over all."""
    lines = [
        "| kind | drags | ratio, median [95 %] | better than nothing | drag done, median | pixels left | "
        "outside (of 255) | reconstruction (dB) | operations | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]

    def line(name: str, rows: list[Result]) -> str:
        def mid(field: str) -> float:
            return statistics.median(getattr(r, field) for r in rows)

        low, high = interval([r.ratio for r in rows])
        better = sum(r.ratio < 1 for r in rows) / len(rows)
        return (
            f"| {name} | {len(rows)} | **{mid('ratio'):.2f}** [{low:.2f}, {high:.2f}] | {better:.0%} | "
            f"{mid('done'):.2f} | {mid('left'):.1f} | {mid('outside'):.2f} | {mid('reconstruction'):.1f} | "
            f"{mid('operations'):.0f} | {mid('seconds'):.1f} |"
        )

    for kind in KINDS:
        rows = [r for r in results if r.kind == kind]
        if rows:
            lines.append(line(kind, rows))
    lines.append(line("**all**", results))
    return "\n".join(lines)


def sheet(pictures: Iterable[list[np.ndarray]]) -> Image.Image:
    """Rows of pictures as one picture."""
    return Image.fromarray(np.concatenate([np.concatenate(row, axis=1) for row in pictures]).astype(np.uint8))


def _evaluate(args: argparse.Namespace) -> None:
    from ..overlay import draw_points

    model, vae = load(args.device, weights=args.weights)
    given = json.loads(args.config)
    config = EDITOR.replace(**{name: tuple(v) if isinstance(v, list) else v for name, v in given.items()})
    results, rows = [], []
    for seed in range(args.first, args.first + args.drags):
        for kind in args.kinds:
            chosen = drag(kind, seed)
            result, done = run(chosen, model, vae, config)
            results.append(result)
            asked = draw_points(Image.fromarray(chosen.picture(0)), chosen.points, chosen.mask)
            rows.append([np.asarray(asked), array(done.image), chosen.picture(1)])
            print(
                f"{kind:6} {seed:4}  ratio {result.ratio:.2f}  done {result.done:.2f}  left {result.left:4.1f}  "
                f"outside {result.outside:.2f}  {result.operations:2} operations  {result.seconds:.1f} s",
                file=sys.stderr,
                flush=True,
            )
    print(table(results))
    if args.json:
        args.json.write_text(json.dumps([dataclasses.asdict(r) for r in results], indent=1))
    if args.pictures:
        sheet(rows).save(args.pictures)


def _judge(args: argparse.Namespace) -> None:
    """One finished edit, by its file: what the demo command of the README prints."""
    chosen = drag(args.kinds[0], args.first)
    edited = np.asarray(Image.open(args.edited).convert("RGB")).astype(np.float32)
    ratio = error_ratio(chosen, edited, chosen.picture(0).astype(np.float32))
    print(json.dumps({"done": fraction_done(chosen, edited), "ratio": ratio}))


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m gooddrag.demo.evaluate", description=__doc__.split("\n")[0])
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    parser.add_argument("--drags", type=int, default=8, help="drags of each kind")
    parser.add_argument("--first", type=int, default=1000, help="number of the first scene")
    parser.add_argument("--config", default="{}", help='settings as JSON, for example {"background": "penalty"}')
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--weights", type=Path, default=WEIGHTS, help="folder of the model, if it is not the bundled one"
    )
    parser.add_argument("--json", type=Path, help="write the single figures here")
    parser.add_argument("--pictures", type=Path, help="write asked, edited and true pictures here")
    parser.add_argument(
        "--edited", type=Path, help="judge this picture as the edit of the first kind and scene instead"
    )
    args = parser.parse_args(argv)
    (_judge if args.edited else _evaluate)(args)


if __name__ == "__main__":
    main()
