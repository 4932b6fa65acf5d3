"""Example workflows that run on the demo model, without a download."""

from __future__ import annotations

from .graph import Workflow
from .parts import (
    TUNED_QUICKLY,
    arrows,
    decoded,
    demo,
    dragged,
    edit,
    prepared,
    saved,
    shown,
)


def quickstart(w: Workflow) -> None:
    note = w.note("""
# GoodDrag quickstart

A small model that comes with the pack, and a scene whose true result is known. **Queue it**: the first run takes
    about half a minute on two idle CPU cores.

1. **Demo Model** gives the model, a scene and its own drag.
2. **Points** shows that drag dashed. Press on what you want to move and release where it shall go: your arrow
    replaces it, and the region around it, the bright one, may change.
3. **LoRA Tune** (20 steps are enough for this model, the paper has 70) and **DDIM Inversion** prepare the picture.
    They do not run again when only the points change.
4. **Sampler** drags, **Decode** gives the picture back. Points then shows *Original*, *Result* and *Compare*.
    To watch the drag while it runs set *Settings, Execution, Live preview method* to *auto*.

Change `kind` and `scene` for other drags.
""")
    scene, origin = demo(w)
    e = edit(w, origin, TUNED_QUICKLY, mask=scene["mask"], suggestion=scene["points"])
    after = saved(w, e.decode["image"])
    truth = w.add("GoodDrag_DemoTruth", truth=scene["truth"], suggestion=scene["points"], points=e.points["points"])
    true = shown(w, "Truth", truth["truth"])
    w.group("Model and scene", [note, scene, truth])
    w.group("Draw the arrows", [e.points])
    w.group("Prepare the picture, once", [e.tune, e.invert])
    w.group("Drag", [e.sampler])
    w.group("Result", [e.decode, after, true])
    w.shown = [e.points["overlay"], e.decode["image"]]


def chained(w: Workflow) -> None:
    note = w.note("""
# One drag after another

The result of a drag is a picture like any other: a second **Points** takes it and drags something else. **Queue it**:
    about a minute on two CPU cores.

1. The upper row swings the arm as the scene says.
2. The lower row takes that result and stretches the hat. Its **LoRA Tune** is fitted to the new picture, so that
    what was dragged first stays as it is now.
3. Change an arrow in the lower **Points**: only the lower row runs again. Change one in the upper, and both run.

Several arrows in *one* drag are cheaper and move at the same time. Chain where the second drag needs the result of
    the first, or where each needs settings of its own.

A drag that has only stopped too early needs no chain: set `start` of the Sampler to *last run* and queue again.
""")
    scene, origin = demo(w)
    first = edit(w, origin, TUNED_QUICKLY, mask=scene["mask"], suggestion=scene["points"])
    between = shown(w, "After the first drag", first.decode["image"])
    second_origin = type(origin)(origin.model, origin.vae, origin.positive, first.decode["image"])
    hat = arrows(256, 256, ((149, 82), (149, 58)))
    second = edit(w, second_origin, TUNED_QUICKLY, points=hat)
    after = saved(w, second.decode["image"], "After both drags")
    w.group("Model and scene", [note, scene])
    w.group("First drag: the arm", [first.points], [first.tune, first.invert], [first.sampler], [first.decode, between])
    w.row()
    w.group("Second drag: the hat, on the result", [second.points], [second.tune, second.invert], [second.sampler],
            [second.decode, after])  # fmt: skip
    w.shown = [first.points["overlay"], second.points["overlay"], second.decode["image"]]


def variants(w: Workflow) -> None:
    note = w.note("""
# How far? Several at once

The same arrow in four lengths, dragged as one batch, to choose from. **Queue it**: about a minute on two CPU cores.

1. **Variants** between Points and Sampler makes copies of the drag, from a quarter of the arrow to one and a quarter.
    Tuning, inversion and the undragged picture are shared.
2. **Decode** gives a batch of four pictures. **All of them** shows it, **Choose one** passes a single one on:
    `batch_index` counts from 0.
3. **Trajectories** is how each came about, one denoising step a picture.
""")
    scene, origin = demo(w, "hat", 1000)
    points = w.add("GoodDrag_Points", image=origin.image, mask=scene["mask"], suggestion=scene["points"])
    copies = w.add("GoodDrag_Variants", points=points["points"], count=4, shortest=0.25, longest=1.25)
    tuned, inverted = prepared(w, origin, **TUNED_QUICKLY)
    sampler = w.add("GoodDrag_Sampler", model=tuned["model"], inversion=inverted["inversion"], points=copies["points"],
                    mask=points["mask"])  # fmt: skip
    sampler.size = (400, 1000)  # it says how each of them ended
    decode = decoded(w, origin, sampler, points)
    every = shown(w, "All of them", decode["image"])
    way = shown(w, "Trajectories", decode["trajectory"])
    one = w.add("ImageFromBatch", "Choose one", image=decode["image"], batch_index=2, length=1)
    after = saved(w, one["IMAGE"], "The chosen one")
    w.group("Model and scene", [note, scene])
    w.group("Draw the arrow", [points])
    w.group("Prepare the picture, once", [tuned, inverted])
    w.group("Drag four lengths", [copies, sampler])
    w.group("Compare and choose", [decode, every, way], [one, after])
    w.shown = [decode["image"]]


def ablation(w: Workflow) -> None:
    note = w.note("""
# What the two ideas of the paper do

GoodDrag drags *between* denoising steps (AlDD, alternating drag and denoising) and compares what it drags with the
    *original* handle (IP, information-preserving motion supervision). Here each is switched off. **Queue it**: about
    two minutes on two CPU cores.

| | AlDD on | AlDD off |
|---|---|---|
| **IP on** | GoodDrag | all drags first |
| **IP off** | content drifts | neither |

* AlDD off is `operations_per_step` as large as `operations`.
* IP off is `information_preserving` off.

Everything else is the same, also the tuned LoRA and the inversion. The grid at the right is saved; the truth is known
    while the scene's own drag is made.
""")
    scene, origin = demo(w, "move", 1000)
    points = w.add("GoodDrag_Points", image=origin.image, mask=scene["mask"], suggestion=scene["points"])
    tuned, inverted = prepared(w, origin, **TUNED_QUICKLY)
    cases = {
        "AlDD and IP": {},
        "without AlDD": {"operations_per_step": 70},
        "without IP": {"information_preserving": False},
        "without both": {"operations_per_step": 70, "information_preserving": False},
    }
    samplers = [
        dragged(w, tuned["model"], inverted["inversion"], points, f"Sampler {name}", **case)
        for name, case in cases.items()
    ]
    results = [decoded(w, origin, s, points, f"Decode {name}") for s, name in zip(samplers, cases)]
    pictures = [shown(w, name[0].upper() + name[1:], r["image"]) for r, name in zip(results, cases)]
    rows = [
        w.add("ImageStitch", title, image1=a["image"], image2=b["image"], direction="right")
        for title, a, b in (("Upper row: IP on", *results[:2]), ("Lower row: IP off", *results[2:]))
    ]
    grid = w.add("ImageStitch", "Both rows", image1=rows[0]["IMAGE"], image2=rows[1]["IMAGE"], direction="down")
    after = saved(w, grid["IMAGE"], "Grid")
    truth = w.add("GoodDrag_DemoTruth", truth=scene["truth"], suggestion=scene["points"], points=points["points"])
    true = shown(w, "Truth", truth["truth"])
    w.group("Model and scene", [note, scene])
    w.group("Draw the arrow", [points])
    w.group("Prepare the picture, once", [tuned, inverted])
    w.group("All in one grid", [*rows, grid, after], [truth, true])
    w.row()
    for name, *column in zip(cases, samplers, results, pictures):
        w.group(name[0].upper() + name[1:], column[:1], column[1:])
    w.shown = [r["image"] for r in results]


def dragdiffusion(w: Workflow) -> None:
    note = w.note("""
# GoodDrag beside DragDiffusion

DragDiffusion (arXiv 2306.14435) is the method that GoodDrag builds on, and its settings are settings of the same
    Sampler. **Queue it**: about a minute on two CPU cores.

DragDiffusion here is

* `operations_per_step` as large as `operations`: all drags at one noise level, denoising afterwards,
* `gradient_steps` 1 instead of 3,
* `information_preserving` off: compared with what the handle held the step before,
* `background` *penalty* and `window` off: outside the mask change is only discouraged.

Both have the same tuned LoRA, the same inversion and the same arrows. **Demo Truth** gives the true result while the
    scene's own drag is made.
""")
    scene, origin = demo(w, "tail", 1002)
    points = w.add("GoodDrag_Points", image=origin.image, mask=scene["mask"], suggestion=scene["points"])
    tuned, inverted = prepared(w, origin, **TUNED_QUICKLY)
    settings = {"operations_per_step": 70, "gradient_steps": 1, "information_preserving": False,
                "background": "penalty", "window": False}  # fmt: skip
    ours = dragged(w, tuned["model"], inverted["inversion"], points, "GoodDrag Sampler")
    theirs = dragged(w, tuned["model"], inverted["inversion"], points, "Sampler as DragDiffusion", **settings)
    good, base = (decoded(w, origin, s, points) for s in (ours, theirs))
    good_shown, base_shown = shown(w, "GoodDrag", good["image"]), shown(w, "DragDiffusion", base["image"])
    pair = w.add("ImageStitch", "Side by side", image1=good["image"], image2=base["image"], direction="right")
    after = saved(w, pair["IMAGE"], "GoodDrag and DragDiffusion")
    truth = w.add("GoodDrag_DemoTruth", truth=scene["truth"], suggestion=scene["points"], points=points["points"])
    true = shown(w, "Truth", truth["truth"])
    w.group("Model and scene", [note, scene])
    w.group("Draw the arrow", [points])
    w.group("Prepare the picture, once", [tuned, inverted])
    w.group("GoodDrag", [ours], [good, good_shown])
    w.group("DragDiffusion", [theirs], [base, base_shown])
    w.group("Compare", [pair, after], [truth, true])
    w.shown = [points["overlay"], good["image"], base["image"], truth["truth"]]


def compare(w: Workflow) -> None:
    note = w.note("""
# Which of two edits is better?

Two drags that differ in one setting, under a slider and in numbers. **Queue it**: about a minute on two CPU cores.

1. The samplers differ in `gradient_steps`: 3, as in the paper, and 1. Change whatever you want to know about.
2. **Compare** lays two pictures over each other: drag the line. Above it you choose which two of four; its `grid`
    is saved.
3. **Score** measures each result. *DAI* is how much of what was around the handles is missing around the targets:
    lower is better. *outside* is the change where nothing should, *IF* how alike the pictures are.

No single number says which edit is better: one that does nothing has the best *outside* and *IF*.
""")
    scene, origin = demo(w)
    points = w.add("GoodDrag_Points", image=origin.image, mask=scene["mask"], suggestion=scene["points"])
    tuned, inverted = prepared(w, origin, **TUNED_QUICKLY)
    names = {"3 gradient steps": {"gradient_steps": 3}, "1 gradient step": {"gradient_steps": 1}}
    samplers = [
        dragged(w, tuned["model"], inverted["inversion"], points, f"Sampler, {name}", **case)
        for name, case in names.items()
    ]
    results = [decoded(w, origin, s, points, f"Decode, {name}") for s, name in zip(samplers, names)]
    asked = {"image": origin.image, "points": points["points"], "mask": points["mask"]}
    scores = [
        w.add("GoodDrag_Score", f"Score, {name}", edited=r["image"], source=r["source"], **asked)
        for r, name in zip(results, names)
    ]
    truth = w.add("GoodDrag_DemoTruth", truth=scene["truth"], suggestion=scene["points"], points=points["points"])
    both = w.add("GoodDrag_Compare", a=results[0]["image"], b=results[1]["image"], c=origin.image, d=truth["truth"],
                 labels="\n".join([*names, "before", "truth"]))  # fmt: skip
    after = saved(w, both["grid"], "Grid")
    w.group("Model and scene", [note, scene])
    w.group("Draw the arrow", [points])
    w.group("Prepare the picture, once", [tuned, inverted])
    w.group("Drag twice", samplers, results)
    w.group("Measure", scores)
    w.group("Compare", [both], [truth, after])
    w.shown = [both["grid"]]


def upscale(w: Workflow) -> None:
    note = w.note("""
# Drag, enlarge, refine

The dragged latent is enlarged, and a **KSampler** draws the detail that the larger size has room for. **Queue it**:
    about a minute on two CPU cores.

1. The drag runs at the size that the model likes.
2. **Upscale Latent By** enlarges its result, not the picture: nothing is decoded between.
3. **KSampler** refines with the *tuned* model, so that the picture stays itself. `denoise` is how much it may redraw:
    0.2 to 0.3 here. With the demo model `cfg` is 1, as it knows no words; with Stable Diffusion take 5 to 7 and a
    negative prompt.
4. **Decode** puts the original's own pixels back outside the mask. It needs them in the new size: **Upscale Image
    By** has the same factor.

Change both factors together.
""")
    scene, origin = demo(w, "ears", 1001)
    e = edit(w, origin, TUNED_QUICKLY, mask=scene["mask"], suggestion=scene["points"])
    small = shown(w, "Dragged, as it was", e.decode["image"])
    larger = w.add("LatentUpscaleBy", samples=e.sampler["latent"], upscale_method="bicubic", scale_by=1.5)
    refined = w.add("KSampler", model=e.tune["model"], positive=origin.positive, negative=origin.positive,
                    latent_image=larger["LATENT"], steps=20, cfg=1.0, sampler_name="euler", scheduler="normal",
                    denoise=0.25)  # fmt: skip
    scaled = w.add("ImageScaleBy", image=origin.image, upscale_method="lanczos", scale_by=1.5)
    decode = w.add("GoodDrag_Decode", "Decode the large one", vae=origin.vae, latent=refined["LATENT"],
                   image=scaled["IMAGE"], mask=e.points["mask"])  # fmt: skip
    after = saved(w, decode["image"], "After, enlarged")
    w.group("Model and scene", [note, scene])
    w.group("Draw the arrows", [e.points])
    w.group("Prepare the picture, once", [e.tune, e.invert])
    w.group("Drag", [e.sampler], [e.decode, small])
    w.group("Enlarge and refine", [larger, refined], [scaled, decode, after])
    w.shown = [e.points["overlay"], e.decode["image"], decode["image"]]
