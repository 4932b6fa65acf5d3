"""Memory: what is planned, what running out does, and that saving it changes nothing."""

import json
import logging
import os
import re
import subprocess
import sys
import textwrap

import pytest
import torch

from gooddrag import DragPoints, drag, invert, train_lora
from gooddrag.network import memory
from gooddrag.network.memory import NotEnoughMemory

POINTS = DragPoints.from_text("40,40>80,48", 128, 96)


@pytest.mark.parametrize("background", ["lock", pytest.param("penalty", marks=pytest.mark.long)])
def test_checkpointing_changes_nothing(model, inversion, fast, background):
    config = fast.replace(background=background)
    plain = drag(model, inversion, POINTS, None, config.replace(checkpointing="off"))
    sparing = drag(model, inversion, POINTS, None, config.replace(checkpointing="on"))
    assert torch.allclose(plain.latent, sparing.latent, atol=1e-5)
    assert plain.trace.handles == sparing.trace.handles
    assert not model.unet.is_gradient_checkpointing


def test_checkpointing_changes_nothing_in_tuning(model, z0, text, fast):
    config = fast.replace(lora_steps=3, lora_rank=4, lora_learning_rate=0.01)
    plain = train_lora(model, z0, text, config.replace(checkpointing="off"))
    sparing = train_lora(model, z0, text, config.replace(checkpointing="on"))
    for name, (_, up) in plain.weights.items():
        assert torch.allclose(up, sparing.weights[name][1], atol=1e-4)
    assert not model.unet.is_gradient_checkpointing


@pytest.mark.parametrize(
    ("size", "words"), [(23_300_000_000, "23.3 GB"), (100_000_000, "0.1 GB"), (31_400_000, "31 MB"), (0, "0 MB")]
)
def test_sizes_are_told_so_that_they_say_something(size, words):
    assert memory.gigabytes(size) == words


def test_what_is_kept_grows_with_the_picture_and_shrinks_with_checkpointing(unet):
    def kept(side, **settings):
        return memory.gradient_bytes(unet, (1, 4, side, side), **{"block": "up_blocks.2", **settings})

    assert 2.5 * kept(8) < kept(16) < 6 * kept(8)
    assert kept(16, checkpointing=True) < 0.7 * kept(16)
    assert kept(16) < kept(16, block=None) < kept(16, block=None, tuning=True)


def test_checkpointing_is_chosen_from_what_is_free(model, inversion, fast, monkeypatch, caplog):
    shape = inversion.latent.shape
    plain = memory.gradient_bytes(model.unet, shape, block=None)
    sparing = memory.gradient_bytes(model.unet, shape, block=None, checkpointing=True)
    caplog.set_level(logging.INFO)
    for free, expected in ((2 * plain, "without"), ((plain + sparing) // 2, "with")):
        caplog.clear()
        monkeypatch.setattr(memory, "free_bytes", lambda device, free=free: free)
        drag(model, inversion, POINTS, None, fast)
        assert f"{expected} gradient checkpointing" in caplog.text
        assert "gradients at 128x96 need about" in caplog.text
    with pytest.raises(
        NotEnoughMemory, match="without gradient checkpointing, and .* are free. Use .* or checkpointing=auto$"
    ):
        drag(model, inversion, POINTS, None, fast.replace(checkpointing="off"))
    monkeypatch.setattr(memory, "free_bytes", lambda device: sparing // 2)
    with pytest.raises(NotEnoughMemory, match="free. Use a smaller picture or a mask .* or background=lock$"):
        drag(model, inversion, POINTS, None, fast)
    with pytest.raises(NotEnoughMemory, match="smaller picture or a smaller batch_size"):
        train_lora(model, inversion.latent, inversion.text, fast)
    assert not model.unet.is_gradient_checkpointing


@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_gradients_need_the_same_whoever_asks(model, mode):
    shape = (1, 4, 24, 16)  # that nothing else has asked for
    with mode():
        asked = memory.gradient_bytes(model.unet, shape, block="up_blocks.2", tokens=3)
    memory._kept.cache_clear()
    assert asked == memory.gradient_bytes(model.unet, shape, block="up_blocks.2", tokens=3) > 0


RUNNING_OUT = """
import json, logging, resource, sys
import torch
from pathlib import Path
from gooddrag import DragConfig, DragPoints, invert, train_lora
from gooddrag import drag
from gooddrag.network import memory
from gooddrag.demo import load, text

kind, rooms = sys.argv[1], map(float, sys.argv[2:])
torch.set_num_threads(1)
messages = []
handler = logging.Handler()
handler.emit = lambda record: messages.append(record.getMessage())
logging.getLogger("GoodDrag").addHandler(handler)
model, _ = load()
z = torch.randn(1, 4, 64, 64, generator=torch.Generator().manual_seed(0))
config = DragConfig(
    inference_steps=2, strength=0.5, operations=1, gradient_steps=1, background="lock", lora_steps=1, lora_batch=1
)
points = DragPoints.from_text("200,200>300,300", 512, 512)
inversion = invert(model, z, text(model), (512, 512), config)
run = {
    "drag": lambda config: drag(model, inversion, points, None, config).latent,
    "tune": lambda config: next(iter(train_lora(model, z, text(model), config).weights.values()))[1],
}[kind]
expected = run(config.replace(checkpointing="on"))  # also lets everything allocate that stays
block = model.family.settled(config).feature_block if kind == "drag" else None
plain = memory.gradient_bytes(model.unet, z.shape, block=block, tokens=1, tuning=kind == "tune")
for room in rooms:
    messages.clear()
    status = Path("/proc/self/status").read_text().splitlines()
    size = next(int(line.split()[1]) for line in status if line.startswith("VmSize"))
    resource.setrlimit(resource.RLIMIT_AS, (int(size * 1024 + room * plain), -1))
    same, failed = None, ""
    try:
        same = torch.allclose(run(config), expected, atol=1e-5)
    except memory.NotEnoughMemory as error:
        failed = str(error)
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    on = model.unet.is_gradient_checkpointing
    print(json.dumps({"same": same, "failed": failed, "messages": list(messages), "on": on}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits its own memory with Linux's means")
@pytest.mark.parametrize("kind", [pytest.param("drag", marks=pytest.mark.long), "tune"])
def test_running_out_of_memory_tries_again_sparingly_and_then_explains(kind):
    # rooms as parts of what a gradient needs without checkpointing: enough with it, and nothing
    command = [sys.executable, "-c", textwrap.dedent(RUNNING_OUT), kind, "0.45", "0.01"]
    # what is freed leaves the address space at once, so that it does not matter what ran before
    env = {**os.environ, "MALLOC_MMAP_THRESHOLD_": "65536"}
    retried, gave_up = map(json.loads, subprocess.check_output(command, text=True, env=env).splitlines())
    assert retried["same"]
    assert "GoodDrag: out of memory; going on with gradient checkpointing, which is slower" in retried["messages"]
    assert not retried["on"]
    assert gave_up["same"] is None
    assert re.match("out of memory.* [(]tried to allocate [0-9]+ bytes[)]. Use a smaller picture", gave_up["failed"])
    assert "checkpointing=auto" not in gave_up["failed"]  # it is


SAID = {
    "CUDA": "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 7.79 GiB",
    "HIP": "HIP out of memory. Tried to allocate 20.00 MiB (GPU 0; 15.98 GiB total capacity)",
    "MPS": "MPS backend out of memory (MPS allocated: 8.9 GB, max allowed: 9.07 GB). Tried to allocate 256.00 MB on private pool.",
    "MPS, one tensor": "/AppleInternal/MPSCore/Types/MPSNDArray.mm:829: failed assertion `[MPSNDArray initWithDevice:descriptor:"
    "isTextureBacked:] Error: total bytes of NDArray > 2**32'",
    "MPS, one buffer": "Invalid buffer size: 16.00 GB",
    "XPU": "XPU out of memory. Tried to allocate 1.25 GiB (GPU 0; 15.56 GiB total capacity)",
    "XPU, level zero": "Native API failed. Native API returns: 39 (UR_RESULT_ERROR_OUT_OF_DEVICE_MEMORY)",
    "NPU": "NPU out of memory. Tried to allocate 64.00 MiB (NPU 0; 29.50 GiB total capacity)",
    "DirectML": "Could not allocate tensor with 1073741824 bytes. There is not enough GPU video memory available!",
    "CPU, Linux": "[enforce fail at alloc_cpu.cpp:117] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to "
    "allocate 68719476736 bytes. Error code 12 (Cannot allocate memory)",
    "CPU, Windows": "[enforce fail at alloc_cpu.cpp:80] data. DefaultCPUAllocator: not enough memory: you tried to allocate "
    "4096 bytes.",
    "cuBLAS": "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
    "cuDNN": "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
}


@pytest.mark.parametrize("said", SAID.values(), ids=SAID)
def test_running_out_is_known_by_the_words_of_every_device(said):
    def wrapped(*, explicit):
        try:
            try:
                raise RuntimeError(said)
            except RuntimeError as inner:
                if explicit:
                    raise RuntimeError("the compiled graph failed") from inner
                raise RuntimeError("the compiled graph failed")  # noqa: B904
        except RuntimeError as outer:
            return outer

    assert memory.is_out_of_memory(RuntimeError(said))
    assert memory.is_out_of_memory(wrapped(explicit=True))
    assert memory.is_out_of_memory(wrapped(explicit=False))
    assert not memory.is_out_of_memory(ValueError(said))
    with pytest.raises(NotEnoughMemory, match="^out of memory.*. Use less$"), memory.explained("Use less"):
        raise RuntimeError(said)


def test_running_out_is_known_by_its_class_and_other_errors_are_not_taken_for_it():
    assert memory.is_out_of_memory(torch.OutOfMemoryError("any words"))
    assert memory.is_out_of_memory(MemoryError())
    for error in (
        RuntimeError("mat1 and mat2 shapes cannot be multiplied"),
        NotEnoughMemory("said"),
        KeyboardInterrupt(),
    ):
        assert not memory.is_out_of_memory(error)
    with pytest.raises(RuntimeError, match="^expected scalar type$"), memory.explained("Use less"):
        raise RuntimeError("expected scalar type")


def test_a_device_that_cannot_tell_is_not_planned_for_and_that_is_said_once(
    model, inversion, fast, monkeypatch, caplog
):
    memory._say_unplanned.cache_clear()
    monkeypatch.setattr(memory, "free_bytes", lambda device: None)
    for _ in range(2):
        assert drag(model, inversion, POINTS, None, fast).trace.operations
    assert caplog.text.count("memory is not planned") == 1
    memory._say_unplanned.cache_clear()


@pytest.mark.parametrize("kind", ["meta", "privateuseone", "vulkan"])
def test_devices_that_torch_knows_nothing_of(kind):
    assert memory.free_bytes(torch.device(kind)) is None
    memory.give_back(torch.device(kind))


def test_what_mps_and_xpu_tell(monkeypatch):
    monkeypatch.setattr(torch.mps, "recommended_max_memory", lambda: 1000, raising=False)
    monkeypatch.setattr(torch.mps, "current_allocated_memory", lambda: 300)
    assert memory.free_bytes(torch.device("mps")) == 700
    for name, value in {"mem_get_info": (400, 1000), "memory_reserved": 90, "memory_allocated": 40}.items():
        monkeypatch.setattr(torch.xpu, name, lambda device, value=value: value, raising=False)
    assert memory.free_bytes(torch.device("xpu")) == 450
    emptied = []
    for backend in (torch.mps, torch.xpu):
        monkeypatch.setattr(backend, "empty_cache", lambda: emptied.append(1))
    for kind in ("mps", "xpu"):
        memory.give_back(torch.device(kind))
    assert len(emptied) == 2


@pytest.mark.parametrize("stage", ["invert", "drag", "none", "tune"])
def test_running_out_says_what_helps_and_not_what_is_done(model, z0, text, inversion, fast, monkeypatch, stage):
    def nothing_left(_module, _inputs):
        raise RuntimeError(SAID["DirectML"])

    model.unet.conv_in.register_forward_pre_hook(nothing_left)
    config = fast.replace(checkpointing="on", background="lock", lora_steps=1, lora_batch=1)
    run = {
        "invert": lambda: invert(model, z0, text, (128, 96), config),
        "drag": lambda: drag(model, inversion, POINTS, None, config),
        "none": lambda: drag(model, inversion, POINTS, None, config.replace(operations=0)),
        "tune": lambda: train_lora(model, z0, text, config),
    }[stage]
    with pytest.raises(NotEnoughMemory) as caught:
        run()
    said = str(caught.value)
    assert "(tensor with 1073741824 bytes). Use a smaller picture" in said
    for done in ("checkpointing=auto", "background=lock", "batch_size"):
        assert done not in said
    assert ("a mask around what shall move" in said) == (stage in ("drag", "none"))
    assert ("although gradient checkpointing is on" in said) == (stage in ("drag", "tune"))


def test_a_large_photograph_at_its_working_size_fits_a_card_of_8_gb():
    """The figures of GoodDrag Fit's help page."""
    from diffusers import UNet2DConditionModel

    from gooddrag.loading import SD15
    from gooddrag.picture.geometry import padded
    from gooddrag.picture.working import working_size

    with torch.device("meta"):
        unet = UNet2DConditionModel.from_config(UNet2DConditionModel.load_config(SD15 / "unet")).half()
    weights = sum(p.numel() * p.element_size() for p in unet.parameters())
    width, height = working_size((4096, 3072), 768)
    cells = padded(height) // 8, padded(width) // 8
    tuning = memory.gradient_bytes(unet, (4, 4, *cells), block=None, tuning=True, checkpointing=True)
    step = memory.gradient_bytes(unet, (1, 4, *cells), block="up_blocks.2")
    assert weights + step < 3.5e9
    assert weights + tuning < 6e9
    assert weights + memory.gradient_bytes(unet, (1, 4, 384, 512), block="up_blocks.2") > 24e9
