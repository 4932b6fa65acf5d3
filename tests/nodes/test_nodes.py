"""The nodes' own work: conversions, LoRA on the MODEL, sizes, and what is refused."""

import json
import logging

import numpy as np
import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

from comfy.model_management import InterruptProcessingException


def tuned(run, demo, **settings):
    common = {k: demo[k] for k in ("model", "vae", "image", "positive")}
    return run("GoodDrag_LoRATune", **common, **{"steps": 2, **settings})


def inverted(run, demo, model=None, **settings):
    common = {k: demo[k] for k in ("vae", "image", "positive")}
    return run("GoodDrag_Invert", model=model or demo["model"], **common, **{"steps": 10, **settings})


def dragged(run, demo, inversion, model=None, **settings):
    settings = {"points": demo["points"], "operations": 2, "operations_per_step": 1, "gradient_steps": 1, **settings}
    return run("GoodDrag_Sampler", model=model or demo["model"], inversion=inversion, **settings)


def epsilon(part, model, demo):
    conditioning, lent = part("nodes.conditioning"), part("nodes.lent")
    z = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(3))
    with lent.diffusers_model(model, z.shape) as borrowed:
        return borrowed.predict(z, 401, conditioning.text_of(demo["positive"]))


def test_no_steps_tune_nothing(run, demo, caplog, monkeypatch, part):
    """As the preset fast asks for: neither memory nor peft are needed, and nothing is written."""
    monkeypatch.setattr(part("nodes.lent"), "diffusers_model", None)
    model, lora = tuned(run, demo, steps=0, file="gooddrag/none")
    assert model is demo["model"]
    assert lora == {}
    assert "No steps are tuned, so no file is kept" in caplog.text


def test_whole_chain_gives_a_picture_of_the_same_size(run, demo):
    model, lora = tuned(run, demo)
    inversion, noise = inverted(run, demo, model)
    assert noise["samples"].shape == (1, 4, 32, 32)
    latent, trace, _ = dragged(run, demo, inversion, model, mask=demo["mask"])
    image, overlay, trajectory, _ = run(
        "GoodDrag_Decode", vae=demo["vae"], latent=latent, image=demo["image"], mask=demo["mask"], trace=trace
    )
    assert image.shape == overlay.shape == demo["image"].shape
    assert trajectory.shape == (3, 256, 256, 3)
    assert trace.trace.operations == 2
    outside = torch.nn.functional.max_pool2d(demo["mask"][None], 31, 1, 15)[0, 0] == 0
    assert (image - demo["image"])[0, outside].abs().max() < 1 / 250
    assert all(key.startswith("diffusion_model.") for key in lora)


def test_tuned_model_is_the_tuned_unet_and_the_given_one_is_not_changed(run, part, demo):
    before = epsilon(part, demo["model"], demo)
    model, _ = tuned(run, demo, learning_rate=0.01)
    assert torch.equal(epsilon(part, demo["model"], demo), before)
    adapted = epsilon(part, model, demo)
    assert not torch.allclose(adapted, before, atol=1e-3)

    host, lora = part("nodes.host"), part("gooddrag.method.lora")
    conditioning, lent = part("nodes.conditioning"), part("nodes.lent")
    config = part("gooddrag.config").DragConfig(lora_steps=2, lora_learning_rate=0.01)
    z0 = host.to_model(demo["model"], host.encode(demo["vae"], demo["image"]))
    with lent.diffusers_model(demo["model"], z0.shape) as borrowed:
        text = conditioning.text_of(demo["positive"])
        fitted = lora.train_lora(borrowed, z0, text, config)
        z = torch.randn(1, 4, 32, 32, generator=torch.Generator().manual_seed(3))
        with lora.applied(borrowed.unet, fitted):
            expected = borrowed.predict(z, 401, text)
    assert (adapted - expected).abs().max() < 1e-4


def test_lora_that_is_already_on_the_model_is_trained_upon_and_kept(run, part, demo):
    first, _ = tuned(run, demo, learning_rate=0.01)
    second, _ = tuned(run, {**demo, "model": first}, learning_rate=0.01, seed=4)
    assert not torch.allclose(epsilon(part, second, demo), epsilon(part, first, demo), atol=1e-4)
    assert len(second.patches) == len(first.patches)
    assert all(len(p) == 2 for p in second.patches.values())


def test_lora_output_fits_the_stock_loader(run, part, demo):
    import comfy.sd

    model, lora = tuned(run, demo, learning_rate=0.01)
    again, _ = comfy.sd.load_lora_for_models(demo["model"], None, lora, 1.0, 0.0)
    assert torch.allclose(epsilon(part, again, demo), epsilon(part, model, demo), atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(101, 90), (64, 129)])
def test_any_size_comes_back_exactly(run, part, demo, height, width):
    image = torch.rand(1, height, width, 3)
    points = part("gooddrag.picture.geometry").DragPoints.from_pairs(
        [((width - 1, height - 1), (10, 10))], width, height
    )
    inversion, noise = inverted(run, {**demo, "image": image})
    assert noise["samples"].shape[-2:] == (-(-height // 8), -(-width // 8))
    latent, trace, _ = dragged(run, {**demo, "points": points}, inversion)
    decoded, overlay, *_ = run("GoodDrag_Decode", vae=demo["vae"], latent=latent, trace=trace)
    assert decoded.shape == overlay.shape == image.shape


def test_decode_of_a_plain_latent_without_anything_else(run, demo):
    image, overlay, trajectory, _ = run("GoodDrag_Decode", vae=demo["vae"], latent={"samples": torch.randn(1, 4, 9, 8)})
    assert image.shape == overlay.shape == trajectory.shape == (1, 72, 64, 3)


@pytest.mark.long
def test_same_seed_same_result(run, demo):
    def once():
        model, _ = tuned(run, demo, seed=3)
        return dragged(run, demo, inverted(run, demo, model)[0], model)[0]["samples"]

    assert torch.equal(once(), once())


def test_points_from_json_override_the_suggestion(run, demo):
    text = json.dumps([[[10, 20], [30, 40]]])
    common = {"image": demo["image"], "suggestion": demo["points"]}
    points, mask, overlay = run("GoodDrag_Points", points=text, **common)
    assert points.handles == ((10, 20),)
    assert mask.shape == (1, 256, 256)
    assert mask[0, 30, 20] == 1  # the region around the arrow
    assert mask[0, 200, 200] == 0
    assert overlay.shape == demo["image"].shape
    assert run("GoodDrag_Points", points="  ", **common)[0] == demo["points"]


def test_a_mask_beside_a_suggestion_belongs_to_the_suggestion(run, demo):
    own = json.dumps([[[10, 20], [30, 40]]])
    mask = torch.zeros(1, 256, 256)
    mask[:, 100:200, 100:200] = 1
    given = {"image": demo["image"], "mask": mask}
    assert torch.equal(run("GoodDrag_Points", points="", suggestion=demo["points"], **given)[1], mask)
    left_out = run("GoodDrag_Points", points=own, suggestion=demo["points"], **given)[1]
    assert torch.equal(left_out, run("GoodDrag_Points", points=own, image=demo["image"])[1])
    assert torch.equal(run("GoodDrag_Points", points=own, **given)[1], mask)


def test_regions(run, demo):
    """auto lies around the arrows or is the connected mask, whole is everything, and old values keep what they did."""

    def mask(region=None, version=2, shapes=(), **inputs):
        value = {"version": version, "pairs": [[[100, 100], [130, 100]]], "mask": {"shapes": list(shapes)}}
        if region:
            value["mask"]["region"] = region
        return run("GoodDrag_Points", image=demo["image"], points=json.dumps(value), **inputs)[1][0]

    stroke = {"kind": "brush", "points": [[200, 200]], "size": 20}
    connected = torch.zeros(1, 256, 256)
    connected[:, :50] = 1
    auto = mask()
    assert auto[100, 115] == 1
    assert auto[0].sum() == 0
    assert torch.equal(mask(mask=connected), connected[0])
    assert mask("whole", shapes=[stroke]).all()
    assert torch.equal(mask("whole", mask=connected), connected[0])
    own = mask("own", shapes=[stroke])
    assert own[200, 200] == 1
    assert own[100, 100] == 0
    assert torch.equal(mask("own", shapes=[stroke], mask=connected), torch.maximum(own, connected[0]))
    empty = torch.zeros(1, 64, 64)  # as Load Image delivers it for a picture that nobody painted a mask on
    assert torch.equal(mask("own", shapes=[stroke], mask=empty), own)
    assert mask(version=1).all()
    assert torch.equal(mask(version=1, shapes=[stroke]), own)

    beyond = {"kind": "brush", "points": [[900, 900]], "size": 20}
    nothing = "^the region drawn in the editor{} lets nothing of the 256x256 picture change"
    with pytest.raises(ValueError, match=nothing.format("")):
        mask("own", shapes=[beyond])
    with pytest.raises(ValueError, match=nothing.format(" and `mask` together")):
        mask("own", shapes=[beyond], mask=connected * 0.3)


BAD_POINTS = [
    ("nonsense", "the points are not valid JSON"),
    ("[[[NaN, 20], [5, 40]]]", "NaN is no number in JSON"),
]


@pytest.mark.parametrize(("text", "message"), BAD_POINTS, ids=lambda v: v[:30])
def test_bad_points(run, demo, text, message):
    with pytest.raises(ValueError, match=".") as error:
        run("GoodDrag_Points", image=demo["image"], points=text)
    assert message in str(error.value)


def test_bad_masks_and_pictures(run, demo, caplog):
    with pytest.raises(ValueError, match="`mask` holds 2 masks; connect one"):
        run("GoodDrag_Points", image=demo["image"], points="[[[1, 2], [3, 4]]]", mask=torch.ones(2, 256, 256))
    caplog.set_level(logging.INFO)
    mask = run("GoodDrag_Points", image=demo["image"], points="[[[1, 2], [3, 4]]]", mask=torch.ones(1, 100, 50))[1]
    assert mask.shape == (1, 256, 256)
    assert "The mask is 50x100 and was resized to the picture's 256x256" in caplog.text
    with pytest.raises(ValueError, match="`image` holds 2 pictures; GoodDrag edits one at a time"):
        inverted(run, {**demo, "image": torch.rand(2, 64, 64, 3)})
    with pytest.raises(ValueError, match="the picture is 20x20; both sides must be at least 64 pixels"):
        inverted(run, {**demo, "image": torch.rand(1, 20, 20, 3)})
    rgba = torch.cat([demo["image"], torch.ones(1, 256, 256, 1)], dim=-1)
    assert torch.equal(inverted(run, {**demo, "image": rgba})[1]["samples"], inverted(run, demo)[1]["samples"])
    assert "The transparency of `image` is ignored" in caplog.text


def test_picture_points_and_inversion_must_belong_together(run, part, demo):
    inversion, _ = inverted(run, {**demo, "image": torch.rand(1, 64, 72, 3)})
    with pytest.raises(ValueError, match="placed on a 256x256 picture, but the picture is 72x64"):
        dragged(run, demo, inversion)
    with pytest.raises(
        ValueError, match="`image` is 64x64 but the edit 256x256; connect the picture that was inverted"
    ):
        run(
            "GoodDrag_Decode", vae=demo["vae"], latent={"samples": torch.randn(1, 4, 32, 32)},
            image=torch.rand(1, 64, 64, 3), mask=demo["mask"],
        )  # fmt: skip


def test_empty_conditioning_is_refused_and_extras_are_named(run, demo, caplog):
    with pytest.raises(ValueError, match="`positive` is empty; connect a CLIPTextEncode"):
        inverted(run, {**demo, "positive": []})
    extra = [[demo["positive"][0][0], {"control": object(), "area": (1, 1, 0, 0)}], demo["positive"][0]]
    inverted(run, {**demo, "positive": extra})
    assert "`positive` carries an area, 1 further prompt: not used here" in caplog.text
    assert "`positive` carries a object in place of a ControlNet: not used here" in caplog.text


TEXT = torch.zeros(1, 1, 64)

NO_TEXT = [
    (None, "`positive` is a NoneType, no CONDITIONING; connect a CLIPTextEncode"),
    ("a cat", "`positive` is a str, no CONDITIONING"),
    ([[None, {}]], "`positive` holds a NoneType in place of an encoded text; connect a CLIPTextEncode"),
    ([None], "`positive` holds a NoneType in place"),
    ([[]], "`positive` holds a list in place"),
    ([[TEXT.numpy(), {}]], "`positive` holds a ndarray in place"),
    ([[TEXT.long(), {}]], "`positive` holds a torch.int64 in place"),
    ([[torch.zeros(()), {}]], "`positive` is a single number, and a text is 1 x tokens x numbers for each"),
    ([[torch.zeros(64), {}]], "`positive` is 64, and a text is"),
    ([[TEXT[:0], {}]], "`positive` is 0x1x64, and a text is"),
    ([[TEXT[:, :0], {}]], "`positive` is 1x0x64, and a text is"),
    ([[TEXT[None], {}]], "`positive` is 1x1x1x64, and a text is"),
]


@pytest.mark.parametrize(("positive", "message"), NO_TEXT, ids=lambda v: v[:50] if isinstance(v, str) else "")
def test_a_conditioning_without_a_text_is_refused_in_words(run, demo, positive, message):
    for node in (tuned, inverted):
        with pytest.raises(ValueError, match=".") as error:
            node(run, {**demo, "positive": positive})
        assert message in str(error.value)


@pytest.mark.parametrize("negative", [row[0] for row in NO_TEXT[1:]], ids=lambda v: str(v)[:30])
def test_a_negative_without_a_text_is_refused_in_words(run, demo, negative):
    with pytest.raises(ValueError, match="^`negative` .*connect a CLIPTextEncode"):
        inverted(run, demo, negative=negative, guidance=2.0)


def test_odd_texts_and_extras_are_read_and_named(execute, demo):
    """Of two axes, without options, with arrays and tensors among them."""
    text = demo["positive"][0][0]
    common = {k: demo[k] for k in ("model", "vae", "image")} | {"steps": 3}
    (_, expected), _ = execute("GoodDrag_Invert", positive=demo["positive"], **common)
    extras = {
        "strength": np.array([0.5, 1.0]), "start_percent": torch.zeros(2), "mask": np.ones((3, 3)), "area": np.zeros(4),
        "own": torch.zeros(3), "empty": np.zeros(0), "clip_start_percent": np.array([0.0]), "end_percent": "nonsense", "gligen": (),
    }  # fmt: skip
    for positive in ([[text[0], {}]], [[text, None]], [(text, {})], ([text, {}],), [[text, extras]]):
        (_, noise), said = execute("GoodDrag_Invert", positive=positive, **common)
        assert torch.equal(noise["samples"], expected["samples"])
    assert said == [
        "`positive` carries `empty`, `own`, `strength`, a mask, a range of timesteps, an area: not used here, only the first "
        "prompt is."
    ]


@pytest.mark.parametrize(
    "node_id",
    [
        *(pytest.param(f"GoodDrag_{name}", marks=pytest.mark.long) for name in ("LoRATune", "Variants", "Decode")),
        "GoodDrag_Invert",
        "GoodDrag_Sampler",
    ],
)
def test_cancelling_leaves_model_and_next_run_as_they_were(run, part, demo, node_id, monkeypatch):
    host = part("nodes.host")
    inversion, _ = inverted(run, demo)
    latent, trace, *_ = dragged(run, demo, inversion, operations=6, operations_per_step=1)
    expected = dragged(run, demo, inversion)[0]["samples"]
    keys = set(demo["model"].model.state_dict())
    calls = []

    def cancel():
        calls.append(1)
        if len(calls) == 3:
            raise InterruptProcessingException

    monkeypatch.setattr(host.comfy.model_management, "throw_exception_if_processing_interrupted", cancel)
    with pytest.raises(InterruptProcessingException):
        if node_id == "GoodDrag_LoRATune":
            tuned(run, demo, steps=20)
        elif node_id == "GoodDrag_Invert":
            inverted(run, demo)
        elif node_id == "GoodDrag_Sampler":
            dragged(run, demo, inversion)
        elif node_id == "GoodDrag_Variants":
            dragged(run, demo, inversion, points=run(node_id, points=demo["points"], count=2)[0])
        else:
            run("GoodDrag_Decode", vae=demo["vae"], latent=latent, trace=trace)
    monkeypatch.undo()
    assert set(demo["model"].model.state_dict()) == keys
    assert torch.equal(dragged(run, demo, inversion)[0]["samples"], expected)


def test_stock_nodes_take_the_latent(run, demo):
    """VAE Decode, and a KSampler that goes on from the result."""
    import nodes as stock

    latent, *_ = dragged(run, demo, inverted(run, demo)[0])
    with torch.inference_mode():
        (image,) = stock.VAEDecode().decode(demo["vae"], latent)
        assert image.shape == demo["image"].shape
        (refined,) = stock.KSampler().sample(
            demo["model"], 0, 2, 1.0, "euler", "normal", demo["positive"], demo["positive"], latent, denoise=0.3
        )
    assert refined["samples"].shape == latent["samples"].shape
    assert refined["gooddrag_size"] == (256, 256)


def test_a_preset_decides_whatever_the_other_settings_are(run, demo, part):
    config = part("gooddrag.config").PRESETS["fast"]
    inversion, _ = inverted(run, demo, preset="fast", steps=3)
    assert inversion.inversion.schedule.steps == config.inference_steps
    trace = dragged(run, demo, inversion, preset="fast", operations=1)[1].trace
    assert trace.config.operations == config.operations
    assert trace.config.background == "lock"
    assert trace.config.drag_size == config.drag_size
    own = dragged(run, demo, inversion, background="penalty", mutual_attention=False)[1].trace.config
    assert (own.operations, own.background, own.mutual_blocks) == (2, "penalty", ())


def test_a_prompt_from_before_an_input_was_there_means_what_it_meant(run, demo, nodes):
    inversion, _ = inverted(run, demo)
    sampler = nodes["GoodDrag_Sampler"]
    given = {i.id: i.default for i in sampler.GET_SCHEMA().inputs if getattr(i, "default", None) is not None}
    given |= {
        "model": demo["model"],
        "inversion": inversion,
        "points": demo["points"],
        "operations": 1,
        "gradient_steps": 1,
    }
    del given["exact_source"], given["warp_from"]
    with torch.inference_mode():
        config = sampler.execute(**{**given, "warp_start": True}).args[1].trace.config
    assert (config.exact_source, config.warp_start, config.warp_from) == (False, True, 0)


def test_a_second_drag_reads_the_source_of_the_first(run, demo):
    inversion, _ = inverted(run, demo)
    first = dragged(run, demo, inversion)
    source = first[2].source
    before = source.evaluations
    again = dragged(run, demo, inversion)
    assert again[2].source is source
    assert source.evaluations == before
    assert torch.equal(again[0]["samples"], first[0]["samples"])
    tuned_model, _ = tuned(run, demo, learning_rate=0.01)
    assert dragged(run, demo, inversion, tuned_model)[2].source is not source


def test_a_sampler_goes_on_from_a_state_or_from_its_own_last_run(run, demo, nodes):
    whole = {"operations": 4, "operations_per_step": 4}
    half = {"operations": 2, "operations_per_step": 4}
    inversion, _ = inverted(run, demo)
    expected = dragged(run, demo, inversion, **whole)[0]["samples"]
    first = dragged(run, demo, inversion, **half)
    by_state = dragged(run, demo, inversion, **half, state=first[2])
    assert torch.allclose(by_state[0]["samples"], expected, atol=1e-4)
    inversion, _ = inverted(run, demo)
    start = {"start": "last run", **half}
    assert torch.equal(dragged(run, demo, inversion, **start)[0]["samples"], first[0]["samples"])
    assert torch.equal(dragged(run, demo, inversion, **start)[0]["samples"], by_state[0]["samples"])
    sampler = nodes["GoodDrag_Sampler"]
    assert sampler.fingerprint_inputs(start="picture") == sampler.fingerprint_inputs(start="picture")
    for start in ("last run", None):  # None: it comes by a link
        assert sampler.fingerprint_inputs(start=start) != sampler.fingerprint_inputs(start=start)
    with pytest.raises(ValueError, match="`state` belongs to another inversion"):
        dragged(run, demo, inverted(run, demo, steps=8)[0], state=first[2])


def test_a_tuned_lora_is_kept_among_the_loras(run, part, demo, monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_folder_paths", lambda kind: [str(tmp_path)])
    _, first = tuned(run, demo, file="gooddrag/cat")
    assert (tmp_path / "gooddrag" / "cat.safetensors").is_file()
    monkeypatch.setattr(part("gooddrag.method.lora"), "train_lora", None)  # would fail if it were tuned again
    _, again = tuned(run, demo, file="gooddrag/cat.safetensors")
    assert all(torch.equal(first[key], again[key]) for key in first)
    with pytest.raises(ValueError, match="lies outside of"):
        tuned(run, demo, file="../cat")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/etc/cat", "lies outside of"),
        (".safetensors", "it is an empty name; give another name"),
        (".", "it is an empty name; give another name"),
        ("cat/", "it is an empty name; give another name"),
        ("cat/.safetensors", "it is an empty name; give another name"),
        ("\ud800", "holds characters that no name can have; give another name"),
        ("nul", "belongs to a device under Windows; give another name"),
        ("a\u200bb", "holds U.200B, which cannot be seen; give another name"),
        ("a/" * 800 + "cat", "deeper than 16 folders"),
        ("x" * 300, "longer than 255 bytes"),
        ("con", "belongs to a device"),
        ("Aux.cat/dog", "belongs to a device"),
        ("cat.", "end with a dot"),
        ("cat /dog", "end with a space"),
        ("c:cat", "must not be empty or hold"),
        ("cat\0", "cannot be a file among the LoRAs"),
        ("taken/dog", "cannot be a file among the LoRAs"),
        ("x" * 250, "cannot be kept in"),
    ],
)
def test_names_that_cannot_be_files_are_refused_before_tuning(run, part, demo, monkeypatch, tmp_path, name, message):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_folder_paths", lambda kind: [str(tmp_path)])
    monkeypatch.setattr(part("gooddrag.method.lora"), "train_lora", None)  # would fail if it were tuned
    (tmp_path / "taken").write_bytes(b"")
    with pytest.raises(ValueError, match=message):
        tuned(run, demo, file=name)
    assert len(str(message)) < 500


def test_another_pictures_lora_stays_and_the_node_says_where_the_new_one_is(run, nodes, demo, monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "get_folder_paths", lambda kind: [str(tmp_path)])
    tuned(run, demo, file="cat")
    first = (tmp_path / "cat.safetensors").read_bytes()
    given = {k: demo[k] for k in ("model", "vae", "positive")} | {"image": 1 - demo["image"], "file": "cat", "steps": 2}
    node = nodes["GoodDrag_LoRATune"]
    defaults = {i.id: i.default for i in node.GET_SCHEMA().inputs if getattr(i, "default", None) is not None}
    with torch.inference_mode():
        output = node.execute(**{**defaults, **given})
    assert (tmp_path / "cat.safetensors").read_bytes() == first
    assert (tmp_path / "cat-2.safetensors").is_file()
    assert "kept beside it, in cat-2.safetensors" in output.ui["text"][0]


def test_variants_come_as_a_batch(run, demo):
    inversion, _ = inverted(run, demo)
    (points,) = run("GoodDrag_Variants", points=demo["points"], count=3, shortest=0.5)
    ((x, y),), ((u, v),) = demo["points"].handles, demo["points"].targets
    assert [p.targets for p in points[::2]] == [(((x + u) / 2, (y + v) / 2),), ((u, v),)]
    latent, traces, state = dragged(run, demo, inversion, points=points)
    assert latent["samples"].shape == (3, 4, 32, 32)
    assert state.points == points[-1]
    alone, _, _ = dragged(run, demo, inversion, points=points[1])
    assert (latent["samples"][1:2] - alone["samples"]).abs().mean() < 1e-2  # unscaled, and equal up to rounding
    shown = run("GoodDrag_Decode", vae=demo["vae"], latent=latent, trace=traces, image=demo["image"], mask=demo["mask"])
    assert [len(pictures) for pictures in shown[:2]] == [3, 3]
    assert len(shown[2]) == sum(len(t.frames) + 1 for t in traces)
    corners = shown[1][:, :18, :50]  # "1 of 3" and so on, white
    assert [(corner.amin(dim=-1) > 0.95).any() for corner in corners] == [True] * 3
    assert not torch.equal(corners[0], corners[1])
    (single,) = run("GoodDrag_Variants", points=demo["points"], count=1)
    assert single == (demo["points"],)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"count": 0}, "`count` is 0, allowed are 1 to 16 pictures"),
        ({"count": 10**6}, "`count` is 1000000, allowed"),
        ({"shortest": float("nan")}, "`shortest` is nan; give a share"),
        ({"longest": float("inf")}, "`longest` is inf; give a share"),
    ],
)
def test_numbers_of_variants_that_another_node_gives(run, demo, given, message):
    with pytest.raises(ValueError, match=message):
        run("GoodDrag_Variants", points=demo["points"], **given)


def test_variants_that_cannot_be_used_are_refused(run, demo):
    inversion, _ = inverted(run, demo)
    (points,) = run("GoodDrag_Variants", points=demo["points"])
    with pytest.raises(ValueError, match="`points` holds 4 variants, and only a single drag can go on"):
        dragged(run, demo, inversion, points=points, start="last run")
    with pytest.raises(ValueError, match="`suggestion` holds 4 variants of a drag"):
        run("GoodDrag_Points", image=demo["image"], suggestion=points)
    with pytest.raises(ValueError, match="`points` holds 4 variants of a drag"):
        run("GoodDrag_Variants", points=points)
    latent, _, _ = dragged(run, demo, inversion)
    with pytest.raises(ValueError, match="`latent` holds 1 pictures but `trace` is of 4"):
        run("GoodDrag_Decode", vae=demo["vae"], latent=latent, trace=points)
