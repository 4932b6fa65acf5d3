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


READABLE = """() => [...document.querySelectorAll(".gd-editor, .gd-editor *")].flatMap((e) => [
  e.title, e.getAttribute("aria-label"), ...[...e.childNodes].filter((n) => n.nodeType === 3).map((n) => n.textContent)])
  .map((text) => (text ?? "").trim()).filter((text) => text)"""
OF_ANY_LANGUAGE = {
    "1:1",
    "?",
    "y",
    "GoodDrag points",
    "Tab",
    "s, x",
    "Delete, Ctrl+D",
    "Enter, Escape",
    "a, b, e, l, r, h",
}


@pytest.mark.parametrize("language", SHOWN)
def test_nothing_of_the_editor_is_left_in_english(open_studio, language):
    """All that can be read of a fresh editor, hidden parts included: in the locale's own words, or of any language."""
    studio = open_studio(locale=language).new("landscape")
    known = json.loads((FOLDER / language / "main.json").read_text())["goodDragEditor"]
    left = {text for text in studio.page.evaluate(READABLE) if text in known and known[text] != text}
    assert not left
    words = [text for text in studio.page.evaluate(READABLE) if len(text.split()) > 2 and text.isascii()]
    assert not [text for text in words if text not in OF_ANY_LANGUAGE and not text.startswith(("Ctrl", "Shift"))]
    studio.choose(known["Brush: paint what may change"])
    assert studio.says() == known["Brush: paint what may change"]
