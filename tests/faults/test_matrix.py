"""Whatever breaks an edit, wherever: the next run of the same prompt is the same picture, and nothing is left behind."""

import hashlib
import io

import numpy as np
import pytest
from breakable import kept_files, short_prompt
from PIL import Image

from devtools import workflow
from devtools.server import ServerError

MIDDLE = {"lora": 45, "inversion": 45, "source": 45, "gradient": 45, "denoise": 45, "decode": 3}
"""Convolutions of a stage before the fault: in the middle of a forward pass, and not of the first."""
NODE = {"lora": "LoRATune", "inversion": "Invert", "decode": "Decode"}
OUT_OF_MEMORY = {
    "lora": "out of memory, although gradient checkpointing is on (tried to allocate 2.00 gib). Use ",
    "inversion": "out of memory while inverting at 256x256 (tried to allocate 2.00 gib). Use ",
}
TIMES = {"lora": 2, "gradient": 2, "decode": 2}
"""Where running out of memory once is tried again: the pack with gradient checkpointing, ComfyUI's VAE in tiles."""
NAN = {
    "lora": "the loss is nan",
    "inversion": "the inverted latent holds",
    "source": "the unedited latent holds",
    "gradient": "the gradient by the latent holds",
    "denoise": "the edited latent holds",
    "decode": "what `vae` made of `latent` holds",
}


def stages(*first: str) -> list:
    """All of them; those that are not ``first`` take long and are left to the tier slow."""
    return [pytest.param(s, marks=() if s in first else pytest.mark.long) for s in MIDDLE]


class Edit:
    """A short edit in a server that can be made to fail."""

    def __init__(self, server):
        self.server, self.prompt = server, short_prompt(server)

    def forget(self):
        """All caches and the kept LoRA go, so that every stage is computed."""
        self.server.forget()
        while self.server.get("/faults/asked"):  # it was busy with the last run, and would run a prompt first
            self.server.forget()
        for path in kept_files():
            path.unlink()

    def run(self):
        return self.server.run(self.prompt)

    def picture(self) -> str:
        """Run, and give the hash of the result's pixels."""
        entry = self.run()
        (key,) = [k for k, node in self.prompt.items() if node["_meta"]["title"] == "After"]
        file = self.server.image(entry["outputs"][key]["images"][0])
        return hashlib.sha256(np.asarray(Image.open(io.BytesIO(file)).convert("RGB")).tobytes()).hexdigest()


class Broken(Edit):
    """One that has succeeded: its picture, and what was alive afterwards."""

    def __init__(self, server):
        super().__init__(server)
        self.forget()
        self.run()  # what is loaded once is loaded
        self.forget()
        self.expected = self.picture()
        self.before = self.left()

    def left(self) -> dict:
        return self.server.get("/faults/left")

    def struck(self, stage: str, fault: str, **how) -> str | None:
        """Run into the fault; gives what the person reads, None where the run succeeded all the same."""
        self.forget()
        self.server.post("/faults", {"stage": stage, "fault": fault, "after": MIDDLE.get(stage, 0), **how})
        said = None
        try:
            self.run()
        except ServerError as error:
            said = str(error)
        assert self.server.post("/faults", {})["fired"] == how.get("times", 1)
        return said

    def check(self):
        """The next run of the same prompt is the same picture, and the process is as it was."""
        assert self.picture() == self.expected
        now = self.left()
        assert now["alive"] == self.before["alive"]
        assert now["flags"] == self.before["flags"]
        assert now["files"] <= self.before["files"] + 2  # sockets of this test
        assert now["memory"]["tensors"] <= 1.02 * self.before["memory"]["tensors"]
        assert [p.name for p in kept_files()] == ["kept.safetensors"]


@pytest.fixture(scope="module")
def broken(server):
    return Broken(server)


@pytest.mark.parametrize("stage", stages("gradient", "decode"))
def test_cancelling(broken, stage):
    said = broken.struck(stage, "cancel")
    assert said == f"interrupted in GoodDrag_{NODE.get(stage, 'Sampler')}"
    broken.check()


@pytest.mark.parametrize("stage", ["lora", "gradient"])
def test_running_out_of_memory_once_is_survived(broken, stage):
    assert broken.struck(stage, "memory") is None
    broken.check()


@pytest.mark.parametrize("stage", stages("lora", "gradient"))
def test_running_out_of_memory_again_and_again(broken, stage):
    said = broken.struck(stage, "memory", times=TIMES.get(stage, 1))
    if stage == "decode":
        assert "out of memory" in said.lower()
    else:
        assert said.startswith(f"GoodDrag_{NODE.get(stage, 'Sampler')}: out of memory")
        assert OUT_OF_MEMORY.get(stage, "(tried to allocate 2.00 gib). Use ") in said
    broken.check()


@pytest.mark.parametrize("stage", stages("denoise"))
def test_an_error_of_the_device(broken, stage):
    assert broken.struck(stage, "error") == f"GoodDrag_{NODE.get(stage, 'Sampler')}: the device fell asleep"
    broken.check()


@pytest.mark.parametrize("stage", stages("gradient", "denoise"))
def test_numbers_that_are_none(broken, stage):
    said = broken.struck(stage, "nan")
    assert f"GoodDrag_{NODE.get(stage, 'Sampler')}: {NAN[stage]}" in said
    broken.check()


@pytest.mark.parametrize(
    ("fault", "reason"), [("full", "No space left on device"), ("read-only", "Read-only file system")]
)
def test_a_disk_that_does_not_take_the_lora(broken, fault, reason):
    """The LoRA is used all the same, and the node says why it is not kept."""
    assert broken.struck("save", fault) is None
    assert not kept_files()
    key = workflow.find(broken.prompt, "GoodDrag_LoRATune")
    history = list(broken.server.get("/history").values())[-1]
    (text,) = history["outputs"][key]["text"]
    assert reason in text
    broken.forget()
    broken.check()
