"""What ``dev.py demo`` calls the pictures that it writes."""

from devtools import workflow


def node(kind: str, title: str = "", **inputs) -> dict:
    return {"class_type": kind, "inputs": inputs, "_meta": {"title": title}}


def test_names_are_titles_and_what_arrived_is_before():
    prompt = {
        "1": node("GoodDrag_Points"),
        "2": node("SaveImage", "After, refined"),
        "3": node("PreviewImage", "Truth"),
    }
    workflow.ask_for_overlays(prompt, {"GoodDrag_Points": {"output_name": ["points", "mask", "overlay"]}})
    assert prompt["1 asked"]["inputs"]["images"] == ["1", 2]
    outputs = {
        "1": {"gooddrag_points": [{"image": "arrived"}]},
        "2": {"images": ["refined"]},
        "3": {"images": ["true"]},
        "1 asked": {"images": ["drawn"]},
    }
    assert workflow.pictures(prompt, outputs) == [
        ("before.png", "arrived"),
        ("after-refined.png", "refined"),
        ("truth.png", "true"),
        ("asked.png", "drawn"),
    ]


def test_further_pictures_of_one_name_are_numbered():
    prompt = {"1": node("GoodDrag_Points"), "2": node("GoodDrag_Points"), "3": node("PreviewImage", "All of them")}
    outputs = {
        "1": {"gooddrag_points": [{"image": "a"}]},
        "2": {"gooddrag_points": [{"image": "b"}]},
        "3": {"images": ["c", "d", "e"]},
    }
    assert [name for name, _ in workflow.pictures(prompt, outputs)] == [
        "before.png",
        "before-2.png",
        "all-of-them.png",
        "all-of-them-2.png",
        "all-of-them-3.png",
    ]
