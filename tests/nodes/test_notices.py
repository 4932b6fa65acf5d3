"""What a node says that is no error: in its ui's text, and once in the log."""

import logging

import pytest
import torch

pytest.importorskip("comfy", reason="COMFYUI_DIR is not set; python3 dev.py test nodes sets it")

from comfy_api.v0_0_2 import io


@pytest.fixture
def notices(part):
    return part("nodes.notices")


@pytest.fixture
def node(notices):
    class Node:
        @classmethod
        @notices.shown
        def execute(cls, sentences=(), ui=None, fail=False):
            for sentence in sentences:
                notices.tell(sentence)
            if fail:
                raise ValueError("no")
            return io.NodeOutput(1, ui=ui)

    return Node


def test_sentences_come_before_the_nodes_own_text(node):
    output = node.execute(["One.", "Two.", "One."], ui={"text": ["summary"], "other": [1]})
    assert output.ui == {"text": ["One.", "Two.", "summary"], "other": [1]}
    assert output.args == (1,)


def test_silence_takes_back_what_was_said(node):
    assert node.execute(["One."]).ui == {"text": ["One."]}
    assert node.execute().ui == {"text": []}


def test_the_log_says_a_sentence_once(node, notices, caplog):
    for _ in range(3):
        assert node.execute(["Once."]).ui["text"] == ["Once."]
    assert caplog.text.count("GoodDrag: Once.") == 1
    for i in range(notices.LOGGED):
        notices.tell(f"{i}")
    assert len(notices._logged) == notices.LOGGED
    node.execute(["Once."])
    assert caplog.text.count("GoodDrag: Once.") == 2


def test_a_node_that_fails_leaves_nothing_behind(node, caplog):
    with pytest.raises(ValueError, match="no"):
        node.execute(["Lost."], fail=True)
    assert "Lost." in caplog.text
    assert node.execute().ui == {"text": []}


def test_every_node_shows_its_notices(nodes):
    for node_id, node in nodes.items():
        assert hasattr(node.execute.__func__, "__wrapped__"), node_id


def test_a_real_node_says_what_it_leaves_away(nodes, caplog):
    caplog.set_level(logging.WARNING)
    image = torch.rand(1, 20, 24, 4)
    output = nodes["GoodDrag_Points"].execute(image=image, points="[[[1, 2], [3, 4]]]", mask=torch.ones(1, 5, 5))
    assert output.ui["text"] == [
        "The transparency of `image` is ignored.",
        "The mask is 5x5 and was resized to the picture's 24x20.",
    ]
