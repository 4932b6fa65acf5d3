"""Example workflows for checkpoints that people have or download."""

from __future__ import annotations

from .graph import Node, Workflow
from .parts import Origin, dragged, edit, prepared, saved, shown

HUB = "https://huggingface.co"


def _model(directory: str, repository: str, name: str) -> dict:
    """What the page offers for download when the file is missing."""
    return {"name": name, "url": f"{HUB}/{repository}/resolve/main/{name}", "directory": directory}


SD15 = _model("checkpoints", "stable-diffusion-v1-5/stable-diffusion-v1-5", "v1-5-pruned-emaonly.safetensors")
SDXL = _model("checkpoints", "stabilityai/stable-diffusion-xl-base-1.0", "sd_xl_base_1.0.safetensors")
CANNY = _model(
    "controlnet", "comfyanonymous/ControlNet-v1-1_fp16_safetensors", "control_v11p_sd15_canny_fp16.safetensors"
)
DETAIL = _model("loras", "OedoSoldier/detail-tweaker-lora", "add_detail.safetensors")
ESRGAN = _model("upscale_models", "Comfy-Org/Real-ESRGAN_repackaged", "RealESRGAN_x4plus.safetensors")


def _loaded(w: Workflow, checkpoint: dict) -> tuple[Node, Node, Node, Origin]:
    """A checkpoint, a picture and a prompt."""
    loader = w.add("CheckpointLoaderSimple", models=(checkpoint,), ckpt_name=checkpoint["name"])
    picture = w.add("LoadImage", image="example.png")
    words = w.add("CLIPTextEncode", "What the picture shows (may stay empty)", clip=loader["CLIP"])
    return loader, picture, words, Origin(loader["MODEL"], loader["VAE"], words["CONDITIONING"], picture["IMAGE"])


def sd15(w: Workflow) -> None:
    note = w.note("""
# Drag your own picture, Stable Diffusion 1.5

1. Choose a checkpoint of the **SD 1.x or 2.x** family (v1-5-pruned-emaonly and its relatives; for SDXL there is a
    workflow of its own).
2. Load a picture, or drop one on **Points**. Any size works, 512 pixels on the shorter side works best.
3. In **Points** press on what you want to move and release where it shall go. Several arrows are fine; Shift and
    click pins what must stay.
4. The bright region around the arrows may change. Paint with the brush (b) for a region of your own; *Whole* lets
    everything change.

The tuning and the inversion run once for a picture; moving points only runs the sampler again.
""")
    loader, picture, words, origin = _loaded(w, SD15)
    e = edit(w, origin)
    after, paths = saved(w, e.decode["image"]), shown(w, "Paths", e.decode["overlay"])
    w.group("Model and picture", [note, loader, picture])
    w.group("Draw the arrows", [e.points])
    w.group("Prepare the picture, once", [e.tune, e.invert, words])
    w.group("Drag", [e.sampler])
    w.group("Result", [e.decode, after, paths])
    w.shown = [e.points["overlay"], e.decode["image"]]


def batch(w: Workflow) -> None:
    note = w.note("""
# Many pictures, unattended

One **Load Image**, one **Points**: a script fills both in for every picture of a folder and queues this workflow through
    the API.

1. Choose your checkpoint, and settings that suit all of the pictures. Try one by hand first.
2. *File, Export (API)* saves the workflow as a script takes it.
3. `docs/batch.md` of the pack has that script, in Python and as `curl`. Arrows are a small JSON file beside each
    picture, also that of the benchmark Drag100; a mask beside it is used, else the region around the arrows.

**fast** in all three `preset` inputs costs an eighth. A `file` in LoRA Tune would be one for all pictures: leave it
    empty.
""")
    loader, picture, words, origin = _loaded(w, SD15)
    e = edit(w, origin)
    after = saved(w, e.decode["image"])
    w.group("Model and picture", [note, loader, picture])
    w.group("The arrows", [e.points])
    w.group("Prepare the picture", [e.tune, e.invert, words])
    w.group("Drag", [e.sampler])
    w.group("Result", [e.decode, after])
    w.scene = ("sun", 1007)
    w.shown = [e.points["overlay"], e.decode["image"]]


def sdxl(w: Workflow) -> None:
    note = w.note("""
# Drag your own picture, SDXL

1. Choose a checkpoint of the **SDXL** family: the base model or what was made from it. The refiner, Turbo-like models
    with zero terminal SNR and inpainting models are refused by name.
2. Load a picture. SDXL draws at about **1024x1024** pixels and badly at much less: **Scale to SDXL's size** brings
    yours there and keeps its shape.
3. Draw in **Points**, after *Get the picture* or a first run.
4. Describe the picture in a few words. The prompt may stay empty, as in the paper; SDXL gains more from words than SD
    1.5.

It costs about four times as much as SD 1.5 at 512 pixels. `preset` *balanced* in all three nodes costs a third; a
    small region around the arrows costs less than the whole picture.
""")
    loader, picture, words, origin = _loaded(w, SDXL)
    scaled = w.add("ImageScaleToTotalPixels", "Scale to SDXL's size", image=picture["IMAGE"], upscale_method="lanczos",
                   megapixels=1.0)  # fmt: skip
    origin = Origin(origin.model, origin.vae, origin.positive, scaled["IMAGE"])
    e = edit(w, origin)
    after, paths = saved(w, e.decode["image"]), shown(w, "Paths", e.decode["overlay"])
    w.group("Model and picture", [note, loader, picture, scaled])
    w.group("Draw the arrows", [e.points])
    w.group("Prepare the picture, once", [e.tune, e.invert, words])
    w.group("Drag", [e.sampler])
    w.group("Result", [e.decode, after, paths])
    w.scene = ("tail", 1022)
    w.shown = [e.points["overlay"], e.decode["image"]]


def lora(w: Workflow) -> None:
    note = w.note("""
# Drag with a LoRA of your own

A style or character LoRA stays on the model while it is tuned, inverted and dragged: what the drag draws anew is
    drawn in that style.

1. Choose a checkpoint and a **LoRA** of its family. Several: chain more loaders.
2. **LoRA Tune** puts its own LoRA, fitted to the picture, on top of yours; all GoodDrag nodes take the model behind
    it.
3. If the LoRA has a trigger word, write it into the prompt.

The picture should look like the LoRA: one that was made with it, or is close to it. `strength_model` 0.6 to 1 is
    usual; another strength tunes and inverts again.
""")
    loader, picture, words, origin = _loaded(w, SD15)
    style = w.add("LoraLoader", models=(DETAIL,), model=loader["MODEL"], clip=loader["CLIP"],
                  lora_name=DETAIL["name"], strength_model=0.7, strength_clip=0.7)  # fmt: skip
    words.inputs["clip"] = style["CLIP"]
    e = edit(w, Origin(style["MODEL"], origin.vae, origin.positive, origin.image))
    after, paths = saved(w, e.decode["image"]), shown(w, "Paths", e.decode["overlay"])
    w.group("Model, LoRA and picture", [note, loader, style, picture])
    w.group("Draw the arrows", [e.points])
    w.group("Prepare the picture, once", [e.tune, e.invert, words])
    w.group("Drag", [e.sampler])
    w.group("Result", [e.decode, after, paths])
    w.scene = ("hat", 1003)
    w.shown = [e.points["overlay"], e.decode["image"]]


def controlnet_refine(w: Workflow) -> None:
    note = w.note("""
# Drag, then refine with a ControlNet

The drag decides *where* things are; a ControlNet keeps them there while a **KSampler** draws them anew, sharper or in
    other words.

1. The upper row is an ordinary drag.
2. **Canny** takes the outlines of its result, and the ControlNet holds the refinement to them.
3. **KSampler** starts from the dragged latent. `denoise` 0.3 only sharpens, 0.7 draws new surfaces on the same
    outlines. It uses the checkpoint without the tuned LoRA; connect LoRA Tune's model instead to stay closer to the
    picture.
4. **Decode** puts the original's own pixels back outside the mask.

Depth, pose or line art work the same way: exchange Canny and the ControlNet's file.
""")
    loader, picture, words, origin = _loaded(w, SD15)
    e = edit(w, origin)
    before = shown(w, "Dragged", e.decode["image"])
    bad = w.add("CLIPTextEncode", "What it shall not show", clip=loader["CLIP"], text="blurry, low quality")
    lines = w.add("Canny", image=e.decode["image"])
    outline = shown(w, "Outlines", lines["IMAGE"])
    net = w.add("ControlNetLoader", models=(CANNY,), control_net_name=CANNY["name"])
    held = w.add("ControlNetApplyAdvanced", positive=words["CONDITIONING"], negative=bad["CONDITIONING"],
                 control_net=net["CONTROL_NET"], image=lines["IMAGE"], strength=0.8, vae=loader["VAE"])  # fmt: skip
    refined = w.add("KSampler", model=loader["MODEL"], positive=held["positive"], negative=held["negative"],
                    latent_image=e.sampler["latent"], steps=25, cfg=6.0, sampler_name="dpmpp_2m", scheduler="karras",
                    denoise=0.45)  # fmt: skip
    decode = w.add("GoodDrag_Decode", "Decode the refined one", vae=loader["VAE"], latent=refined["LATENT"],
                   image=picture["IMAGE"], mask=e.points["mask"])  # fmt: skip
    after = saved(w, decode["image"], "After, refined")
    w.group("Model and picture", [note, loader, picture])
    w.group("Draw the arrows", [e.points])
    w.group("Prepare the picture, once", [e.tune, e.invert, words])
    w.group("Drag", [e.sampler], [e.decode, before])
    w.row()
    w.group("Outlines of the result", [lines, outline], [net, held, bad])
    w.group("Refine", [refined], [decode, after])
    w.scene = ("arm", 1021)
    w.shown = [e.points["overlay"], lines["IMAGE"], decode["image"]]


def controlnet_drag(w: Workflow) -> None:
    note = w.note("""
# A ControlNet inside the drag

The arrows say where a part goes; a ControlNet tells the model what the *result* shall look like: the pose of an arm, an
    outline, a depth map.

1. **Canny** takes the outlines of the picture, and the ControlNet tells them to the **inversion** (`positive`). They
    hold everything where it is.
2. **The outlines that the result shall have** go through a second **Apply ControlNet** into `edited` of the
    **Sampler**. Save the first outlines, draw the part anew where it shall go in any paint program, and load that
    picture there. Until then both are the same, and little will move.
3. The arrow, and the rest, are as always.

For a pose exchange Canny and the ControlNet's file for OpenPose, and pose the figure in a pose editor. Without an own hint
    for the result leave `edited` unconnected and end the ControlNet early (`end_percent` 0.3).
""")
    loader, picture, words, origin = _loaded(w, SD15)
    net = w.add("ControlNetLoader", models=(CANNY,), control_net_name=CANNY["name"])
    lines = w.add("Canny", "Outlines of the picture", image=picture["IMAGE"])
    outline = saved(w, lines["IMAGE"], "Outlines, to draw in")
    redrawn = w.add("LoadImage", "The outlines that the result shall have", image="example.png")
    wanted = w.add("Canny", "Outlines of the result", image=redrawn["IMAGE"])

    def told(title: str, hint: Node) -> Node:
        return w.add("ControlNetApplyAdvanced", title, positive=words["CONDITIONING"], negative=words["CONDITIONING"],
                     control_net=net["CONTROL_NET"], image=hint["IMAGE"], strength=0.8, vae=loader["VAE"])  # fmt: skip

    now, then = told("As it is", lines), told("As it shall be", wanted)
    e = edit(w, Origin(origin.model, origin.vae, now["positive"], origin.image), sampler={"edited": then["positive"]})
    after, paths = saved(w, e.decode["image"]), shown(w, "Paths", e.decode["overlay"])
    w.group("Model and picture", [note, loader, picture])
    w.group("Draw the arrows", [e.points])
    w.group("What the picture shows", [words, net, now], [lines, outline])
    w.group("What the result shall show", [redrawn, wanted, then])
    w.group("Prepare the picture, once", [e.tune, e.invert])
    w.group("Drag", [e.sampler])
    w.group("Result", [e.decode, after, paths])
    w.scene = ("arm", 1021)
    w.shown = [e.points["overlay"], lines["IMAGE"], e.decode["image"]]


def large(w: Workflow) -> None:
    note = w.note("""
# Drag in a large photograph

The model works on a small copy, and what the drag changed is carried back into the photograph. Everything else keeps
    every pixel. 4096x3072 works on a card of 8 GB.

1. Load a photograph of any size and draw in **Points**: arrows and mask lie on the large one.
2. **Fit** makes the copy for **LoRA Tune** and **DDIM Inversion**. `size` 512 to 768 suits Stable Diffusion 1.5, 1024
    SDXL: higher keeps more detail of what moves, and needs more memory.
3. **Sampler** moves arrows and mask along to the copy, and says so.
4. **Carry Back** enlarges only what was changed. Its `source`, the undragged copy as the model draws it, tells a
    change from what the VAE loses of every picture.

What was moved is as sharp as the copy. For more, put an upscale model between **Decode** and `edited`.
""")
    loader, picture, words, origin = _loaded(w, SD15)
    small = w.add("GoodDrag_Fit", image=picture["IMAGE"])
    points = w.add("GoodDrag_Points", image=picture["IMAGE"])
    tuned, inverted = prepared(w, Origin(origin.model, origin.vae, origin.positive, small["image"]))
    sampler = dragged(w, tuned["model"], inverted["inversion"], points)
    decode = w.add("GoodDrag_Decode", vae=loader["VAE"], latent=sampler["latent"], trace=sampler["trace"])
    back = w.add("GoodDrag_CarryBack", image=picture["IMAGE"], edited=decode["image"], mask=points["mask"],
                 source=decode["source"])  # fmt: skip
    after, paths = saved(w, back["image"], "After, in full size"), shown(w, "Paths", decode["overlay"])
    w.group("Model and photograph", [note, loader, picture])
    w.group("Draw the arrows", [points])
    w.group("Prepare a small copy, once", [small, tuned, inverted, words])
    w.group("Drag", [sampler])
    w.group("Carry back", [decode, back, after], [paths])
    w.scene = ("sun", 1025)
    w.shown = [points["overlay"], decode["overlay"], back["image"]]


def model_upscale(w: Workflow) -> None:
    note = w.note("""
# Drag, enlarge with an upscaler, refine

1. The drag runs at the size that the checkpoint likes, and **Decode** gives the picture.
2. An **upscale model** (ESRGAN and others) enlarges it four times, **Upscale Image By** 0.5 brings that to twice the
    original.
3. **KSampler** draws detail at the new size with the *tuned* model. `denoise` 0.2 to 0.35: more begins to change the
    picture.
4. **VAE Decode (Tiled)** needs little memory at any size.

Without the refinement the upscaler's picture can be saved as it is: see **Enlarged**.
""")
    loader, picture, words, origin = _loaded(w, SD15)
    e = edit(w, origin)
    before = shown(w, "Dragged", e.decode["image"])
    esrgan = w.add("UpscaleModelLoader", models=(ESRGAN,), model_name=ESRGAN["name"])
    enlarged = w.add("ImageUpscaleWithModel", upscale_model=esrgan["UPSCALE_MODEL"], image=e.decode["image"])
    twice = w.add("ImageScaleBy", image=enlarged["IMAGE"], upscale_method="area", scale_by=0.5)
    large = shown(w, "Enlarged", twice["IMAGE"])
    bad = w.add("CLIPTextEncode", "What it shall not show", clip=loader["CLIP"], text="blurry, low quality")
    latent = w.add("VAEEncode", pixels=twice["IMAGE"], vae=loader["VAE"])
    refined = w.add("KSampler", model=e.tune["model"], positive=words["CONDITIONING"], negative=bad["CONDITIONING"],
                    latent_image=latent["LATENT"], steps=20, cfg=5.0, sampler_name="dpmpp_2m", scheduler="karras",
                    denoise=0.25)  # fmt: skip
    tiled = w.add("VAEDecodeTiled", samples=refined["LATENT"], vae=loader["VAE"])
    after = saved(w, tiled["IMAGE"], "After, enlarged")
    w.group("Model and picture", [note, loader, picture])
    w.group("Draw the arrows", [e.points])
    w.group("Prepare the picture, once", [e.tune, e.invert, words])
    w.group("Drag", [e.sampler], [e.decode, before])
    w.row()
    w.group("Enlarge", [esrgan, enlarged, twice], [large])
    w.group("Refine", [latent, bad], [refined], [tiled, after])
    w.scene = ("hat", 1024)
    w.shown = [e.points["overlay"], e.decode["image"], twice["IMAGE"]]
