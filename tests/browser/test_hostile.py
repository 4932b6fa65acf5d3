"""Workflows from a stranger who means harm: opened and queued, nothing of them runs, is written or hangs."""

import copy
import json
import time
from pathlib import Path

import pytest

from devtools import environment
from devtools.workflow import load

ROOT = Path(__file__).parent.parent.parent
QUICKSTART = ROOT / "example_workflows" / "gooddrag_quickstart.json"
HTML = '<img src=x onerror="window.harmed=1"><script>window.harmed=1</script><svg onload="window.harmed=1">'
SECONDS = 60
"""That opening, queueing and refusing together may take; a whole edit of the quickstart takes half of it."""


def node(workflow: dict, kind: str) -> dict:
    return next(n for n in workflow["nodes"] if n["type"] == f"GoodDrag_{kind}")


def html_everywhere(workflow):
    """Markup in every text: the value, titles, notes, a choice, a file's name."""
    node(workflow, "Points")["widgets_values"] = [json.dumps({"pairs": [], "version": HTML})]
    node(workflow, "LoRATune")["widgets_values"][-1] = HTML
    for n in workflow["nodes"]:
        n["title"] = HTML
        n["properties"] = {**n.get("properties", {}), "Node name for S&R": n["type"], HTML: HTML}


def prototypes(workflow):
    """Keys that reach for what all objects share."""
    node(workflow, "Points")["widgets_values"] = [
        '{"__proto__": {"harmed": 1}, "constructor": {"prototype": {"harmed": 1}}, "pairs": '
        '[{"__proto__": {"harmed": 1}, "handle": [100, 100], "target": [120, 100]}]}'
    ]
    for n in workflow["nodes"]:
        n["properties"] = json.loads('{"__proto__": {"harmed": 1}, "gooddrag": {"__proto__": {"harmed": 1}}}')


def a_path_out(workflow):
    node(workflow, "LoRATune")["widgets_values"][-1] = "../../../../../../tmp/gooddrag-harmed"


def a_deep_path(workflow):
    node(workflow, "LoRATune")["widgets_values"][-1] = "a/" * 800 + "gooddrag-harmed"


def a_device(workflow):
    node(workflow, "LoRATune")["widgets_values"][-1] = "gooddrag-harmed/nul.txt"


def million_pairs(workflow):
    node(workflow, "Points")["widgets_values"] = ["[" + ",".join(["[[1,1],[2,2]]"] * 300_000) + "]"]


def deep_value(workflow):
    node(workflow, "Points")["widgets_values"] = ["[" * 200_000]


def endless_shapes(workflow):
    """As much as the format allows, and each of it as dear as can be."""
    shapes = [
        {"kind": "brush", "size": 10_000, "hardness": 0, "points": [[i, i], [256 - i, 3 * i]]} for i in range(2500)
    ]
    shapes += [{"kind": "grow", "size": 256}, {"kind": "grow", "size": -256}] * 1200
    value = {"version": 2, "pairs": [[[100, 100], [120, 100]]], "mask": {"region": "own", "shapes": shapes}}
    node(workflow, "Points")["widgets_values"] = [json.dumps(value)]


def monstrous_numbers(workflow):
    node(workflow, "Sampler")["widgets_values"][1:5] = [1e308, -1, 1e400, "NaN"]
    node(workflow, "Invert")["widgets_values"][1] = 10**30
    node(workflow, "DemoModel")["widgets_values"] = ["arm", 10**300]


def wrong_kinds(workflow):
    for n in workflow["nodes"]:
        if n["type"].startswith("GoodDrag_") and n.get("widgets_values"):
            n["widgets_values"] = [{"a": [HTML]}, None, [], HTML, True][: len(n["widgets_values"])]


HOSTILE = [
    html_everywhere, prototypes, a_path_out, a_deep_path, a_device,
    million_pairs, deep_value, endless_shapes, monstrous_numbers, wrong_kinds,
]  # fmt: skip


def files() -> set[Path]:
    """All that ComfyUI could have been made to write, except what it writes itself."""
    places = [environment.BASE / "models", environment.BASE / "input", Path("/tmp")]
    return {p for place in places for p in place.rglob("*") if "harmed" in str(p) or "onerror" in str(p)}


@pytest.mark.parametrize("harm", HOSTILE, ids=lambda f: f.__name__)
def test_nothing_runs_is_written_or_hangs(desk, tmp_path, harm):
    workflow = copy.deepcopy(load(QUICKSTART))
    node(workflow, "LoRATune")["widgets_values"][1] = 2
    node(workflow, "Invert")["widgets_values"][1] = 8
    node(workflow, "Sampler")["widgets_values"][1:3] = [2, 1]
    harm(workflow)
    path = tmp_path / "from a stranger.json"
    path.write_text(json.dumps(workflow))
    start, page = time.monotonic(), desk.page
    desk.page.evaluate("() => window.app.graph.clear()")
    page.locator("#comfy-file-input").set_input_files(str(path))
    page.wait_for_selector(".gd-editor")
    page.wait_for_timeout(1500)
    page.evaluate("async () => { try { await window.app.queuePrompt(0, 1); } catch {} }")
    while time.monotonic() - start < SECONDS:
        queue = desk.server.get("/queue")
        if not queue["queue_running"] and not queue["queue_pending"]:
            break
        time.sleep(0.2)
    else:
        pytest.fail(f"it still runs after {SECONDS} s")
    page.wait_for_timeout(500)
    desk.shot(f"hostile-{harm.__name__}")
    assert page.evaluate("() => [window.harmed, ({}).harmed, Object.prototype.harmed]") == [None, None, None]
    assert page.evaluate("() => 1 + 1") == 2  # the page is alive
    assert not page.locator("img[src=x], svg[onload]").count()
    assert files() == set()
    for _ in range(4):
        page.keyboard.press("Escape")
