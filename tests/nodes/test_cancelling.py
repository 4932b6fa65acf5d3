"""Cancelling a run while GoodDrag Points draws a mask that takes its time."""

import json
import threading
import time

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

SIDE = 4096
RECTANGLE = {"kind": "rectangle", "points": [[100, 100], [3000, 3000]]}


def scattered(count: int) -> list[list[int]]:
    return [[(i * i * 37 + 11 * i) % SIDE, (i * 9091) % SIDE] for i in range(count)]


SLOW = {
    "brushes": [{"kind": "brush", "points": [a, b], "size": 90, "hardness": 0.5} for a, b in zip(*[iter(scattered(900))] * 2)],
    "one brush": [{"kind": "brush", "points": scattered(3000), "size": 30}],
    "growing": [RECTANGLE, *({"kind": "grow", "size": 256 - i % 7} if i % 2 else {"kind": "invert"} for i in range(400))],
}  # fmt: skip


@pytest.mark.parametrize("name", SLOW)
def test_a_run_stops_within_a_second_while_the_mask_is_drawn(nodes, part, monkeypatch, name):
    import comfy.model_management as management

    cancelled = []

    def cancel():
        cancelled.append(time.monotonic())
        management.interrupt_current_processing()

    timer = threading.Timer(0.1, cancel)

    def check():
        if not timer.is_alive() and not cancelled:  # the drawing has begun
            timer.start()
        management.throw_exception_if_processing_interrupted()

    monkeypatch.setattr(part("nodes.host"), "check_interrupted", check)
    value = {"version": 2, "pairs": [[[100, 100], [2000, 2000]]], "mask": {"region": "own", "shapes": SLOW[name]}}
    try:
        with pytest.raises(management.InterruptProcessingException):
            nodes["GoodDrag_Points"].execute(image=torch.zeros(1, SIDE, SIDE, 3), points=json.dumps(value))
        assert time.monotonic() - cancelled[0] < 1
    finally:
        management.interrupt_current_processing(False)
