"""What is on a MODEL is on the U-Net that is dragged, and what had to be copied is copied once."""

import gc
import logging
import weakref

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

import comfy.lora
import comfy.model_management
import comfy.model_patcher
import comfy.sd
import comfy.utils
from comfy.weight_adapter import WeightAdapterBase
from conftest import comfyui_epsilon

Z = (1, 4, 32, 32)
COPIED = "weights had to be copied"


@pytest.fixture
def lent(part):
    return part("nodes.lent")


@pytest.fixture
def text(part, demo):
    return part("nodes.conditioning").text_of(demo["positive"])


def pair(lent, model, text, t=401):
    """Ours, and ComfyUI's own prediction."""
    z = torch.randn(Z, generator=torch.Generator().manual_seed(3))
    with torch.inference_mode():
        theirs = comfyui_epsilon(model, z, t, text)
        with lent.diffusers_model(model, Z) as borrowed, torch.no_grad():
            ours = borrowed.predict(z, t, text)
    return ours.clone(), theirs.clone()


def assert_same(ours, theirs, rtol=1e-4):
    assert (ours - theirs).abs().max() < rtol * theirs.abs().max()


def keys_of(model, *, convolutions=True):
    """Weights of the U-Net that LoRAs go on."""
    found = {}
    for name, module in model.model.named_modules():
        if isinstance(module, torch.nn.Linear) and ("attn" in name or "ff" in name):
            found[name] = module
        if convolutions and isinstance(module, torch.nn.Conv2d) and ("in_layers.2" in name or ".op" in name):
            found[name] = module
    assert found
    return found


def a_lora(model, kind="lora", scale=0.2):
    """Random adapters in the layout of LoRA files: linear layers, 3x3 convolutions, a convolution with stride 2."""
    generator = torch.Generator().manual_seed(1)

    def r(*shape):
        return torch.randn(shape, generator=generator) * scale

    state = {}
    for name, module in keys_of(model).items():
        out, into, *kernel = module.weight.shape
        if kind == "lora":
            state[f"{name}.lora_up.weight"] = r(out, 4, *(1 for _ in kernel))
            state[f"{name}.lora_down.weight"] = r(4, into, *kernel)
            state[f"{name}.alpha"] = torch.tensor(2.0)
        elif kind == "dora":
            state[f"{name}.lora_up.weight"] = r(out, 4, *(1 for _ in kernel))
            state[f"{name}.lora_down.weight"] = r(4, into, *kernel)
            state[f"{name}.dora_scale"] = 0.5 + r(out, *(1 for _ in module.weight.shape[1:])).abs()
        elif kind == "loha" and not kernel:
            for part in ("hada_w1", "hada_w2"):
                state[f"{name}.{part}_a"], state[f"{name}.{part}_b"] = r(out, 4), r(4, into)
        elif kind == "lokr" and not kernel:
            state[f"{name}.lokr_w1"], state[f"{name}.lokr_w2"] = r(2, 2), r(out // 2, into // 2)
        elif kind == "oft" and not kernel:
            blocks = r(4, out // 4, out // 4) * 0.1
            state[f"{name}.oft_blocks"] = blocks - blocks.transpose(1, 2)
            state[f"{name}.alpha"] = torch.tensor(1.0)
    return state


KINDS = ["lora", "dora", "loha", "lokr", "oft"]


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_of_every_kind_on_the_weights(lent, demo, text, kind):
    model, _ = comfy.sd.load_lora_for_models(demo["model"], None, a_lora(demo["model"], kind), 0.7, 0)
    assert model.patches
    ours, theirs = pair(lent, model, text)
    assert_same(ours, theirs)
    assert (theirs - pair(lent, demo["model"], text)[1]).abs().max() > 1e-2


def test_bypass_on_a_device_that_has_no_random_numbers_of_its_own(lent, demo, text, monkeypatch):
    """Such as DirectML: torch makes generators for few devices."""
    model, _ = comfy.sd.load_bypass_lora_for_models(demo["model"], None, a_lora(demo["model"]), 0.7, 0)

    def on_the_cpu(*device, own=torch.Generator):
        assert not device
        return own()

    _, theirs = pair(lent, model, text)
    monkeypatch.setattr(torch, "Generator", on_the_cpu)
    model, _ = comfy.sd.load_bypass_lora_for_models(demo["model"], None, a_lora(demo["model"]), 0.7, 0)
    assert_same(pair(lent, model, text)[0], theirs)


# ComfyUI's own forward pass fails with OFT in bypass form (a view of what is not contiguous)
@pytest.mark.parametrize("kind", KINDS[:-1])
def test_adapters_of_every_kind_in_bypass_form(lent, demo, text, kind, caplog):
    """The stock nodes' own function: LoraLoaderBypass, LoraLoaderBypassModelOnly, LoraModelLoader with bypass."""
    caplog.set_level(logging.INFO)
    model, _ = comfy.sd.load_bypass_lora_for_models(demo["model"], None, a_lora(demo["model"], kind), 0.7, 0)
    assert model.injections
    plain = pair(lent, demo["model"], text)[1]
    ours, theirs = pair(lent, model, text)
    assert (theirs - plain).abs().max() > 1e-2
    assert_same(ours, theirs)
    pair(lent, model, text)
    assert caplog.text.count(COPIED) == 1
    ours, theirs = pair(lent, demo["model"], text)  # and ComfyUI's own model is as before
    assert torch.equal(theirs, plain)
    assert_same(ours, theirs)


def test_the_stock_bypass_loaders(lent, demo, text):
    from comfy_extras.nodes_train import LoraModelLoader

    lora = a_lora(demo["model"])
    output = LoraModelLoader.execute(demo["model"], lora, 0.7, True)
    assert_same(*pair(lent, output.args[0], text))


def test_bypass_over_weights_that_are_patched(lent, demo, text):
    model, _ = comfy.sd.load_lora_for_models(demo["model"], None, a_lora(demo["model"], "loha"), 0.5, 0)
    model, _ = comfy.sd.load_bypass_lora_for_models(model, None, a_lora(demo["model"]), 0.7, 0)
    assert_same(*pair(lent, model, text))


def test_an_adapter_that_is_no_sum_of_weights_is_refused(lent, demo, text):
    class Bent(WeightAdapterBase):
        name = "bent"

        def __init__(self):
            self.weights = [torch.zeros(1)]

        def h(self, x, base_out):
            return base_out**2

    from comfy.weight_adapter import BypassInjectionManager

    model = demo["model"].clone()
    manager = BypassInjectionManager()
    manager.add_adapter(next(iter(keys_of(model))), Bent())
    model.set_injections("bypass_lora", manager.create_injections(model.model))
    with pytest.raises(
        ValueError, match=r"in bypass form \(Bent\) is no plain sum of weights; load it with an ordinary"
    ):
        pair(lent, model, text)


def in_fp8(model):
    """The MODEL as it is loaded with weight_dtype fp8_e4m3fn: cast on use."""
    model.model.diffusion_model.to(torch.float8_e4m3fn)
    model.model.manual_cast_dtype = torch.float32
    for module in model.model.modules():
        if hasattr(module, "comfy_cast_weights"):
            module.comfy_cast_weights = True
    return model


def test_fp8_weights_are_copied_once_for_a_model(lent, demo, text, caplog):
    caplog.set_level(logging.INFO)
    model = in_fp8(demo["model"])
    assert_same(*pair(lent, model, text))
    for _ in range(2):
        pair(lent, model, text)
    assert caplog.text.count(COPIED) == 1
    tuned, _ = comfy.sd.load_lora_for_models(model, None, a_lora(model), 0.7, 0)
    assert_same(*pair(lent, tuned, text), rtol=2e-2)
    assert caplog.text.count(COPIED) == 2


def test_what_was_lent_is_free_at_once(lent, demo):
    """ComfyUI moves weights right after; what Python would only find later would stay on the GPU."""
    gc.disable()
    try:
        with lent.diffusers_model(demo["model"], Z) as borrowed:
            convolutions = [m for m in borrowed.unet.modules() if isinstance(m, torch.nn.Conv2d)]
            weights = [weakref.ref(m.weight) for m in convolutions]
            del borrowed, convolutions
        assert weights
        assert not any(weight() is not None for weight in weights)
    finally:
        gc.enable()


def test_copies_go_with_their_model_and_are_no_leak(lent, demo, text, caplog):
    caplog.set_level(logging.INFO)
    model, _ = comfy.sd.load_bypass_lora_for_models(demo["model"], None, a_lora(demo["model"]), 0.7, 0)
    pair(lent, model, text)
    holder = weakref.ref(lent._copies[model].patcher.model)
    loaded = [m for m in comfy.model_management.current_loaded_models if m.model and m.model.model is holder()]
    assert len(loaded) == 1, "ComfyUI does not know of them"
    gc.disable()
    try:
        del model, loaded
        assert holder() is None
        comfy.model_management.cleanup_models_gc()
    finally:
        gc.enable()
    assert "leak" not in caplog.text


def test_copies_that_comfyui_took_away_come_back(lent, demo, text):
    model, _ = comfy.sd.load_bypass_lora_for_models(demo["model"], None, a_lora(demo["model"]), 0.7, 0)
    ours, theirs = pair(lent, model, text)
    comfy.model_management.unload_all_models()
    assert_same(pair(lent, model, text)[0], ours)
    assert_same(ours, theirs)


class Dynamic(comfy.model_patcher.ModelPatcher):
    """What dynamic VRAM does to a MODEL as far as it is seen here: the CPU has none."""

    def is_dynamic(self):
        return True


def test_a_dynamic_model_is_built_once(lent, demo, text, nodes):
    built = []

    def again(number, disable_dynamic=False):
        built.append(disable_dynamic)
        with torch.inference_mode():
            return nodes["GoodDrag_DemoModel"].execute("arm", number).args[0]

    base = demo["model"]
    model = Dynamic(base.model, base.load_device, base.offload_device)
    model.cached_patcher_init = (again, (1,))
    with lent.diffusers_model(model, Z):
        pass
    tuned, _ = comfy.sd.load_lora_for_models(model, None, a_lora(model), 0.7, 0)
    ordinary, _ = comfy.sd.load_lora_for_models(base, None, a_lora(model), 0.7, 0)
    assert tuned.is_dynamic()
    z = torch.randn(Z)
    expected = comfyui_epsilon(ordinary, z, 401, text)
    for _ in range(2):
        with lent.diffusers_model(tuned, Z) as borrowed, torch.no_grad():
            assert_same(borrowed.predict(z, 401, text), expected)
    bypassed, _ = comfy.sd.load_bypass_lora_for_models(model, None, a_lora(model), 0.7, 0)
    with lent.diffusers_model(bypassed, Z) as borrowed, torch.no_grad():
        assert_same(borrowed.predict(z, 401, text), expected)
    with lent.diffusers_model(model, Z) as borrowed, torch.no_grad():
        assert_same(borrowed.predict(z, 401, text), comfyui_epsilon(base, z, 401, text))
    assert built == [True]


def test_a_dynamic_model_goes_with_comfyuis(lent, demo, caplog):
    caplog.set_level(logging.INFO)
    base = demo.pop("model")
    model = Dynamic(base.model, base.load_device, base.offload_device)
    model.cached_patcher_init = (lambda disable_dynamic: base.clone(force_deepcopy=False), ())
    with lent.diffusers_model(model, Z):
        pass
    delegate = weakref.ref(lent._delegates[model][1])
    del model
    gc.collect()
    assert delegate() is None
    comfy.model_management.cleanup_models_gc()
    assert "WARNING, memory leak" not in caplog.text


def test_a_dynamic_model_without_a_way_to_build_it_is_refused(lent, demo):
    base = demo["model"]
    model = Dynamic(base.model, base.load_device, base.offload_device)
    message = "`model` uses dynamic VRAM, and its loader does not say .* --disable-dynamic-vram"
    with pytest.raises(ValueError, match=message), lent.diffusers_model(model, Z):
        pass


def test_merged_models_are_the_merged_unet(lent, demo, text):
    from comfy_extras.nodes_model_merging import ModelMergeBlocks, ModelMergeSimple

    other, _ = comfy.sd.load_lora_for_models(demo["model"], None, a_lora(demo["model"]), 0.7, 0)
    (simple,) = ModelMergeSimple().merge(demo["model"], other, 0.3)
    assert_same(*pair(lent, simple, text))
    (blocks,) = ModelMergeBlocks().merge(demo["model"], other, input=0.2, middle=0.5, out=0.9)
    assert_same(*pair(lent, blocks, text))


def test_the_fingerprint_knows_what_is_on_a_model(lent, demo):
    lora = a_lora(demo["model"])
    models = [
        demo["model"],
        comfy.sd.load_lora_for_models(demo["model"], None, lora, 0.7, 0)[0],
        comfy.sd.load_lora_for_models(demo["model"], None, lora, 0.6, 0)[0],
        comfy.sd.load_bypass_lora_for_models(demo["model"], None, a_lora(demo["model"], "loha"), 0.7, 0)[0],
    ]

    def key(model):
        with lent.diffusers_model(model, Z) as borrowed:
            return lent.fingerprint(borrowed)

    keys = [key(model) for model in models]
    assert len(set(keys)) == len(models)
    assert [key(model) for model in models] == keys
