"""GoodDrag Doctor in ComfyUI."""

import pytest

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

from comfy.model_management import InterruptProcessingException


def test_it_reports_and_asks_again_each_time(execute, nodes, part, monkeypatch):
    monkeypatch.setattr(part("gooddrag.doctor"), "_needs", lambda *_: [])  # front/test_doctor has them
    (text,), shown = execute("GoodDrag_Doctor")
    assert text.splitlines() == shown
    assert shown[-1] == "All well."
    (about,) = [line for line in shown if line.startswith("ComfyUI ")]
    assert "memory mode: " in about
    assert "DISABLED" not in about
    node = nodes["GoodDrag_Doctor"]
    assert node.fingerprint_inputs(self_test=True) != node.fingerprint_inputs(self_test=True)


def test_memory_modes_do_not_read_like_faults(part):
    import comfy.model_management as management

    words = {state.name: part("nodes.doctor")._memory(state.name) for state in management.VRAMState}
    assert words["DISABLED"] == "no GPU"
    assert words["NORMAL_VRAM"] == "normal VRAM"
    assert not any(
        word.isupper() and word != "VRAM" for told in words.values() for word in told.replace("GPU", "").split()
    )


@pytest.mark.long
def test_it_can_be_cancelled(execute, part, monkeypatch):
    def cancel():
        raise InterruptProcessingException

    monkeypatch.setattr(part("nodes.host"), "check_interrupted", cancel)
    with pytest.raises(InterruptProcessingException):
        execute("GoodDrag_Doctor")


@pytest.mark.long
def test_it_can_be_cancelled_while_it_drags(part):
    def cancel(progress):
        if progress.stage == "drag":
            raise InterruptProcessingException

    with pytest.raises(InterruptProcessingException):
        part("gooddrag.doctor").examine("cpu", callback=cancel)
