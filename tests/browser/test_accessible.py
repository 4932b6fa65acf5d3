"""axe finds nothing in the node and in the dialog, in both themes."""

import pytest


@pytest.fixture(scope="module")
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed").Axe()


def violations(axe, page, selector: str) -> list[str]:
    found = axe.run(page, context=selector).response["violations"]
    return [f"{v['id']}: {node['html'][:120]} {node['failureSummary'][:200]}" for v in found for node in v["nodes"]]


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_axe_finds_nothing(open_studio, axe, theme):
    studio = open_studio(theme=theme)
    studio.new("landscape")
    studio.drag((100, 100), (300, 200), (640, 400))
    studio.choose("Brush")
    studio.choose("1 pair")
    assert violations(axe, studio.page, ".gd-editor") == []
    studio.choose("Open in a large window")
    assert violations(axe, studio.page, ".gd-dialog") == []
    studio.close()


def test_reduced_motion_is_respected(open_studio):
    studio = open_studio(reduced_motion=True)
    studio.new("landscape")
    script = "() => parseFloat(getComputedStyle(document.querySelector('.gd-editor button')).transitionDuration)"
    assert studio.page.evaluate(script) < 0.001
    studio.close()
