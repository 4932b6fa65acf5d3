"""Every text of the nodes in every language: complete, about this schema, and with what is no language left as it is."""

import json
import re
from pathlib import Path

import pytest

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

FOLDER = Path(__file__).parent.parent.parent / "locales"
LANGUAGES = ("de", "es", "fr", "ja", "ko", "ru", "zh")
AS_IT_IS = re.compile(
    r"`[^`]*`|arXiv \d+\.\d+|Eq\. \d+|\b[KBJ]\b(?=\s?[:：])|\d+x\d+"
    r"|KSampler(?:Advanced)?|CLIPTextEncode|LoraModelLoader|SaveLoRA"
)
"""Inputs, equations, sizes and names of nodes."""


def texts(nodes) -> dict[tuple[str, ...], str]:
    """The English ones, by where they are."""
    found = {}
    for node_id, node in nodes.items():
        schema = node.GET_SCHEMA()
        found[node_id, "display_name"] = schema.display_name
        found[node_id, "description"] = schema.description
        for given in schema.inputs:
            if given.tooltip:
                found[node_id, "inputs", given.id, "tooltip"] = given.tooltip
        for number, given in enumerate(schema.outputs):
            if given.tooltip:
                found[node_id, "outputs", str(number), "tooltip"] = given.tooltip
    return found


def flat(data: dict, place: tuple[str, ...] = ()) -> dict[tuple[str, ...], str]:
    found = {}
    for key, value in data.items():
        found |= flat(value, (*place, key)) if isinstance(value, dict) else {(*place, key): value}
    return found


def read(language: str) -> dict[tuple[str, ...], str]:
    return flat(json.loads((FOLDER / language / "nodeDefs.json").read_text(encoding="utf-8")))


def test_the_languages():
    assert sorted(p.name for p in FOLDER.iterdir()) == list(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_there_and_no_other(nodes, language):
    english, other = texts(nodes), read(language)
    assert set(other) == set(english)
    assert all(text.strip() == text and text for text in other.values())
    same = [place for place, text in other.items() if text == english[place] and place[-1] != "display_name"]
    assert not same, "not translated"


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_no_language_is_left_as_it_is(nodes, language):
    english, other = texts(nodes), read(language)
    for place, text in english.items():
        if place[-1] != "display_name":
            assert set(AS_IT_IS.findall(text)) == set(AS_IT_IS.findall(other[place])), place


@pytest.mark.parametrize("language", LANGUAGES)
def test_nodes_have_names_of_their_own_that_fit_a_title(language):
    names = [text for place, text in read(language).items() if place[-1] == "display_name"]
    assert len(set(names)) == len(names)
    assert all(name.startswith("GoodDrag ") and len(name) < 32 for name in names)
