"""The nodes in another language: their titles on the page, and the editor usable as ever."""

import json
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent.parent.parent / "locales"
TITLES = """() => window.app.graph._nodes.map((n) => n.constructor.nodeData?.display_name ?? n.title)"""
SHOWN = ("zh", "ru")
"""The most compact and the longest; ComfyUI has both."""


@pytest.mark.parametrize("language", SHOWN)
def test_titles_and_editor(open_studio, language):
    studio = open_studio(locale=language).new("landscape")
    names = {k: v["display_name"] for k, v in json.loads((FOLDER / language / "nodeDefs.json").read_text()).items()}
    page = studio.page
    shown = page.evaluate("() => window.LiteGraph.registered_node_types.GoodDrag_Points.title")
    assert shown == names["GoodDrag_Points"]
    studio.drag((100, 100), (200, 150), (640, 400))
    assert len(studio.pairs()) == 1
    studio.shot(f"locale-{language}-{studio.renderer}")
