"""What stock nodes put on a MODEL and a CONDITIONING: honoured, or named in the node."""

import importlib

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy.hooks
import comfy.patcher_extension
import node_helpers


@pytest.fixture
def patches(part):
    return part("nodes.patches")


def stock(module, name, *inputs):
    """The MODEL that a stock node gives."""
    node = getattr(importlib.import_module(f"comfy_extras.{module}"), name)
    function = node.execute if hasattr(node, "execute") else getattr(node(), node.FUNCTION)
    output = function(*inputs)
    return output.args[0] if hasattr(output, "args") else output[0]


NAMED = [
    ("nodes_freelunch", "FreeU", (1.1, 1.2, 0.9, 0.2), "FreeU"),
    ("nodes_freelunch", "FreeU_V2", (1.3, 1.4, 0.9, 0.2), "FreeU_V2"),
    ("nodes_hypertile", "HyperTile", (256, 2, 0, False), "HyperTile"),
    ("nodes_tomesd", "TomePatchModel", (0.3,), "TomePatchModel"),
    (
        "nodes_model_downscale", "PatchModelAddDownscale", (3, 2.0, 0.0, 0.35, True, "bicubic", "bicubic"),
        "PatchModelAddDownscale",
    ),
    ("nodes_easycache", "EasyCacheNode", (0.2, 0.15, 0.95, False), "EasyCache"),
    ("nodes_easycache", "LazyCacheNode", (0.2, 0.15, 0.95, False), "EasyCache"),
    ("nodes_nag", "NAGuidance", (5.0, 0.5, 1.5), "NAGuidance"),
    ("nodes_differential_diffusion", "DifferentialDiffusion", (1.0,), "DifferentialDiffusion"),
    ("nodes_rope", "ScaleROPE", (1.0, 0.0, 1.0, 0.0, 1.0, 0.0), "rope_options"),
]  # fmt: skip
GUIDANCE = [
    ("nodes_pag", "PerturbedAttentionGuidance", (3.0,), "PerturbedAttentionGuidance"),
    ("nodes_sag", "SelfAttentionGuidance", (0.5, 2.0), "SelfAttentionGuidance"),
    ("nodes_model_advanced", "RescaleCFG", (0.7,), "RescaleCFG"),
    ("nodes_cfg", "CFGZeroStar", (), "CFGZeroStar"),
    ("nodes_cfg", "CFGNorm", (1.0,), "CFGNorm"),
    ("nodes_tcfg", "TCFG", (), "TCFG"),
    ("nodes_apg", "APG", (1.0, 5.0, 0.0), "APG"),
    ("nodes_mahiro", "Mahiro", (), "Mahiro"),
    ("nodes_eps", "EpsilonScaling", (1.005,), "EpsilonScaling"),
]
NOTHING = [
    ("nodes_model_advanced", "ModelSamplingDiscrete", ("v_prediction", False)),
    ("nodes_model_advanced", "ModelComputeDtype", ("fp32",)),
    ("nodes_torch_compile", "TorchCompileModel", ("inductor",)),
    ("nodes_attention_multiply", "UNetSelfAttentionMultiply", (1.0, 1.0, 1.0, 0.5)),
    ("nodes_attention_multiply", "UNetCrossAttentionMultiply", (1.0, 1.0, 1.0, 0.5)),
]


@pytest.mark.parametrize(("module", "node", "inputs", "name"), NAMED)
def test_what_is_not_used_is_named(patches, demo, module, node, inputs, name):
    guidance, others = patches.unused(stock(module, node, demo["model"], *inputs))
    assert not guidance
    assert name in others
    assert len(others) <= 2


@pytest.mark.parametrize(("module", "node", "inputs", "name"), GUIDANCE)
def test_what_acts_on_guidance_is_named_as_that(patches, demo, module, node, inputs, name):
    assert patches.unused(stock(module, node, demo["model"], *inputs)) == ([name], [])


@pytest.mark.parametrize(("module", "node", "inputs"), NOTHING)
def test_what_is_honoured_or_changes_nothing_is_not_named(patches, demo, module, node, inputs):
    assert patches.unused(stock(module, node, demo["model"], *inputs)) == ([], [])
    assert patches.unused(demo["model"]) == ([], [])


def override(*_):
    raise AssertionError


def test_what_other_packs_do_is_named(patches, demo):
    """The ways of IPAdapter, attention overrides, AnimateDiff and the like."""

    class CrossAttentionPatch:
        def __call__(self, *_):
            raise AssertionError

    class EvolvedSampling(CrossAttentionPatch):
        pass

    def around_the_model(*_):
        raise AssertionError

    model = demo["model"].clone()
    model.set_model_attn2_replace(CrossAttentionPatch(), "input", 1)
    model.model_options["transformer_options"]["optimized_attention_override"] = override
    model.model_options["context_handler"] = object()
    model.add_object_patch("diffusion_model.time_embed", torch.nn.Identity())
    model.set_model_unet_function_wrapper(EvolvedSampling())
    model.set_injections("motion", [comfy.patcher_extension.PatcherInjection(inject=print, eject=print)])
    model.add_wrapper_with_key(comfy.patcher_extension.WrappersMP.APPLY_MODEL, "thing", around_the_model)
    _, others = patches.unused(model)
    # a function that was made in another is named by that one: a node's own method
    made_here = "test_what_other_packs_do_is_named"
    names = ["CrossAttentionPatch", "override", "context_handler", "Identity", "EvolvedSampling", "motion", made_here]
    for name in names:
        assert sum(name in other for other in others) == 1, (name, others)
    assert len(others) == len(names)


def test_hooks_on_a_model_are_named(patches, demo):
    model = demo["model"].clone()
    hook = comfy.hooks.WeightHook()
    model.add_hook_patches(hook, {next(iter(model.model.state_dict())): (torch.zeros(1),)})
    assert "hooks (LoRAs" in patches.unused(model)[1][0]


def said(nodes, node_id, **inputs):
    node = nodes[node_id]
    defaults = {i.id: i.default for i in node.GET_SCHEMA().inputs if getattr(i, "default", None) is not None}
    with torch.inference_mode():
        return " ".join(node.execute(**{**defaults, **inputs}).ui["text"])


def test_the_nodes_say_it_and_do_nothing_by_halves(nodes, run, demo):
    model = stock("nodes_freelunch", "FreeU_V2", demo["model"], 1.3, 1.4, 0.9, 0.2)
    model = stock("nodes_model_advanced", "RescaleCFG", model, 0.7)
    common = {"vae": demo["vae"], "image": demo["image"], "positive": demo["positive"], "steps": 2}
    words = "`model` carries FreeU_V2: not used here, the picture is computed as if without."
    for node_id in ("GoodDrag_Invert", "GoodDrag_LoRATune"):
        text = said(nodes, node_id, model=model, **common)
        assert words in text
        assert "`model` carries RescaleCFG, which acts on guidance" in text
    plain = run("GoodDrag_Invert", model=demo["model"], **common)[1]["samples"]
    assert torch.equal(run("GoodDrag_Invert", model=model, **common)[1]["samples"], plain)


CONDITIONINGS = [
    ({"control": object()}, "a ControlNet"),
    ({"area": (8, 8, 0, 0), "strength": 0.7, "set_area_to_bounds": False}, "a strength of 0.7, an area"),
    ({"mask": torch.ones(1, 8, 8), "mask_strength": 1.0, "set_area_to_bounds": False}, "a mask"),
    ({"gligen": ("position", None, [])}, "GLIGEN boxes"),
    ({"start_percent": 0.2, "end_percent": 1.0}, "a range of timesteps"),
    ({"strength": 0.5}, "a strength of 0.5"),
    ({"hooks": object()}, "hooks (LoRAs or weights that the prompt switches on)"),
    ({"concat_latent_image": torch.zeros(1, 4, 8, 8), "concat_mask": torch.zeros(1, 1, 8, 8)}, "a picture to inpaint"),
    ({"reference_latents": [torch.zeros(1, 4, 8, 8)]}, "reference pictures"),
    ({"unclip_conditioning": [{}]}, "a picture as prompt (unCLIP)"),
    ({"some_other_pack": 1}, "`some_other_pack`"),
]


@pytest.mark.parametrize(("options", "words"), CONDITIONINGS)
def test_what_a_conditioning_carries_is_said(part, demo, caplog, options, words):
    positive = node_helpers.conditioning_set_values(demo["positive"], options)
    part("nodes.conditioning").text_of(positive, model=demo["model"])
    assert f"`positive` carries {words}: not used here" in caplog.text


def test_what_changes_nothing_is_not_said(part, demo, caplog):
    options = {"pooled_output": torch.zeros(1, 768), "strength": 1.0, "start_percent": 0.0, "end_percent": 1.0, "control": None,
               "width": 512, "guidance": 3.5}  # fmt: skip
    part("nodes.conditioning").text_of(node_helpers.conditioning_set_values(demo["positive"], options))
    assert "carries" not in caplog.text


def test_a_lora_hook_on_a_prompt_is_said(part, demo, caplog):
    """The stock nodes Create Hook LoRA and Cond Set Props."""
    from comfy_extras.nodes_hooks import PairConditioningSetProperties

    group = comfy.hooks.HookGroup()
    group.add(comfy.hooks.WeightHook())
    positive, _ = PairConditioningSetProperties().set_properties(
        demo["positive"], demo["positive"], 1.0, "default", hooks=group
    )
    part("nodes.conditioning").text_of(positive)
    assert "carries hooks (LoRAs or weights that the prompt switches on)" in caplog.text


@pytest.mark.parametrize("node_id", ["GoodDrag_LoRATune", "GoodDrag_Invert"])
@pytest.mark.parametrize(
    ("width", "family"), [(768, r" \(Stable Diffusion 1.x\)"), (2048, r" \(Stable Diffusion XL\)"), (77, "")]
)
def test_a_prompt_of_another_family_is_refused(run, demo, node_id, width, family):
    takes = demo["positive"][0][0].shape[-1]
    positive = [[torch.zeros(1, 77, width), {}]]
    message = rf"`positive` has {width} numbers for a token{family} but `model` takes {takes}; connect a CLIPTextEncode"
    with pytest.raises(ValueError, match=message):
        run(node_id, **{k: demo[k] for k in ("model", "vae", "image")}, positive=positive)


class OtherVAE:
    """The shapes of VAEs of other families; what they hold is not looked at."""

    def __init__(self, channels=16, dim=2, scale=8):
        self.latent_channels, self.latent_dim, self.scale = channels, dim, scale

    def encode(self, pixels):
        size = (pixels.shape[1] // self.scale, pixels.shape[2] // self.scale)
        return torch.zeros(1, self.latent_channels, *([1] if self.latent_dim == 3 else []), *size)


@pytest.mark.parametrize("node_id", ["GoodDrag_LoRATune", "GoodDrag_Invert"])
@pytest.mark.parametrize(
    ("vae", "shape"),
    [(OtherVAE(), "1x16x32x32"), (OtherVAE(16, 3), "1x16x1x32x32"), (OtherVAE(4, 2, 16), "1x4x16x16")],
)
def test_a_vae_of_another_family_is_refused(run, demo, node_id, vae, shape):
    with pytest.raises(ValueError, match=f"`vae` makes a latent of {shape} of this picture; those of Stable Diffusion"):
        run(node_id, **{k: demo[k] for k in ("model", "image", "positive")}, vae=vae)


@pytest.mark.parametrize("shape", [(1, 16, 32, 32), (1, 4, 1, 32, 32), (1, 16, 5, 32, 32)])
def test_a_latent_of_another_family_is_refused(run, demo, shape):
    words = "x".join(map(str, shape))
    with pytest.raises(
        ValueError, match=f"`latent` is {words}, but `vae` decodes latents of 4 channels and 4 dimensions"
    ):
        run("GoodDrag_Decode", vae=demo["vae"], latent={"samples": torch.zeros(shape)})
