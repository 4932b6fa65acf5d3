"""The page and the server read the same strings in the same way, and draw the same masks."""

import base64
import json
import random
import shutil
import string
import subprocess
from pathlib import Path

import numpy as np
import pytest

from gooddrag.picture import mask, region, sizes, value

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parent.parent / "docs" / "points.schema.json").read_text())

pytestmark = pytest.mark.skipif(not shutil.which("node"), reason="node is not installed")


def ask(questions: list[dict]) -> list[str]:
    """The page's answers, a line each."""
    lines = "\n".join(json.dumps(q) for q in questions) + "\n"
    result = subprocess.run(["node", str(HERE / "agree.mjs")], input=lines, capture_output=True, text=True, check=True)
    return result.stdout.split("\n")[:-1]


def seen(text: str):
    """Python's verdict, in the form of the page's answer."""
    try:
        v = value.parse(text)
    except ValueError:
        return None
    shapes = [
        {
            "kind": s.kind,
            **({"points": [list(p) for p in s.points]} if s.points else {}),
            **({"erase": True} if s.erase else {}),
            **({"size": s.size} if s.kind in ("brush", "grow") else {}),
            **({"hardness": s.hardness} if s.kind == "brush" else {}),
        }
        for s in v.shapes
    ]
    pairs = [{"handle": list(p.handle), "target": list(p.target), **({"off": True} if p.off else {})} for p in v.pairs]
    width, height = v.size or (None, None)
    return {"pairs": pairs, "shapes": shapes, "mode": v.mode, "region": v.region, "width": width, "height": height}


GOOD = [
    "", " \n\t", "[]", '{"pairs": []}', "[[[1, 2], [3, 4]]]", '{"points": [[1, 2], [3, 4]]}', '[{"x": 1, "y": 2}, {"x": 3, "y": 4}]',
    '{"version": 1, "width": 10, "height": 20, "pairs": [{"handle": [1, 2], "target": [3.5, 4], "off": true}]}',
    '{"version": 1.0, "pairs": [], "mask": {"mode": "intersect", "shapes": [{"kind": "fill"}, {"kind": "brush", "size": 5, '
    '"points": [[1, 2]], "hardness": 0.5, "erase": true}, {"kind": "lasso", "points": [[0, 0], [9, 0], [0, 9]]}, '
    '{"kind": "rectangle", "points": [[1, 1], [5, 5]]}, {"kind": "invert"}, {"kind": "grow", "size": -3}, {"kind": "clear"}]}}',
    '{"version": 2, "pairs": [], "mask": {"region": "whole", "shapes": [{"kind": "fill"}]}}', '{"pairs": [], "mask": {"region": "own"}}',
    '{"version": 1, "pairs": [], "mask": {"region": "nonsense"}}', '{"version": 1, "pairs": []}', '{"version": 2, "pairs": []}',
    '{"version": 2, "pairs": [], "mask": {"region": "auto", "mode": "replace", "shapes": [{"kind": "clear"}]}}',
    '{"pairs": [[[1e-320, -0.0], [1E2, 3]]], "future": {"deep": [[[1]]]}, "__proto__": {"pairs": 3}}',
]  # fmt: skip
BAD = [
    "null", "3", '"x"', "{}", "[3]", "[[1, 2]]", "NaN", "[[[NaN, 1], [1, 1]]]", "[[[Infinity, 1], [1, 1]]]", "[[[1e308, 1], [1, 1]]]",
    "[[[1e999, 1], [1, 1]]]", "[" * 33, "[" * 200_000, "[[[1, 2], [3, 4]]]x", "\ufeff[]", "\u00a0", "[[[1, 2], [3, 4],]]",
    '{"pairs": {}}', '{"pairs": null}', '{"version": 3, "pairs": []}', '{"version": 1.5, "pairs": []}', '{"version": "1", "pairs": []}', '{"version": true, "pairs": []}',
    '{"version": null, "pairs": []}', '{"pairs": [], "width": 10}', '{"pairs": [], "width": 0, "height": 1}',
    '{"pairs": [], "width": 1.5, "height": 1}', '{"pairs": [{"handle": [1, 2]}]}', '{"pairs": [{"handle": [1, 2], "target": [true, 2]}]}',
    '{"pairs": [{"handle": "<script>", "target": [1, 2]}]}', '{"points": [[1, 2]]}', '{"points": "<script>alert(1)</script>"}',
    '{"pairs": [], "mask": []}', '{"pairs": [], "mask": {"mode": "x"}}', '{"pairs": [], "mask": {"mode": null}}', '{"pairs": [], "mask": {"region": null}}', '{"version": 2, "pairs": [], "mask": {"region": "some"}}',
    '{"pairs": [], "mask": {"shapes": [{"kind": "constructor"}]}}', '{"pairs": [], "mask": {"shapes": [{"kind": "__proto__"}]}}',
    '{"pairs": [], "mask": {"shapes": [{"kind": "lasso", "points": [[1, 1], [2, 2]]}]}}',
    '{"pairs": [], "mask": {"shapes": [{"kind": "rectangle", "points": [[1, 1], [2, 2], [3, 3]]}]}}',
    '{"pairs": [], "mask": {"shapes": [{"kind": "brush", "points": [[1, 1]]}]}}',
    '{"pairs": [], "mask": {"shapes": [{"kind": "brush", "points": [[1, 1]], "size": 0}]}}',
    '{"pairs": [], "mask": {"shapes": [{"kind": "brush", "points": [[1, 1]], "size": 5, "hardness": 2}]}}',
    '{"pairs": [], "mask": {"shapes": [{"kind": "grow", "size": 1e9}]}}', '{"pairs": [{"handle": [1,2], "target": [1,2], "off": 1}]}',
    json.dumps([[[1, 2], [3, 4]]] * 1001), "[[[" + "1" * 5000 + ", 2], [3, 4]]]", '["\ud800"]', '{"pairs": ["\\ud800"]}', "[[[01, 2], [3, 4]]]",
    "[[[1., 2], [3, 4]]]", "[[[.5, 2], [3, 4]]]", "[[[+1, 2], [3, 4]]]", "['a']", "[1 2]", '["\t"]', '{"pairs": [], "pairs": 3}',
    "[[[\u0661, 2], [3, 4]]]", '[{"x": 1, "y": 2}]', '[{"x": 1, "y": 2}, {"x": 3}]', '"' + "x" * 1_000_001 + '"',
]  # fmt: skip


def hostile(rng: random.Random) -> str:
    """A value that was damaged somewhere."""
    atoms = ["1", "-1e9", "1e308", "1e400", "null", "true", '"<script>"', "[]", "{}", "[[1,2],[3,4]]", "NaN", "0.5", '"\\u0000"',
             "1" * 400, '{"x":1,"y":2}', "-0"]  # fmt: skip
    text = rng.choice(GOOD[3:])
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(text) + 1)
        kind = rng.random()
        if kind < 0.3:
            text = text[:at] + rng.choice(atoms) + text[at:]
        elif kind < 0.6:
            text = text[:at] + text[at + rng.randint(1, 6) :]
        elif kind < 0.8:
            text = text[:at] + rng.choice(string.printable + "\u2028\u00e9\U0001f600\x00") + text[at:]
        elif kind < 0.9:
            other = rng.choice(GOOD[3:])
            text = text[:at] + other[rng.randrange(len(other)) :]
        else:
            words = [
                "handle",
                "target",
                "pairs",
                "version",
                "region",
                "auto",
                "whole",
                "shapes",
                "kind",
                "brush",
                "size",
                "1",
                "2",
                "off",
                "points",
            ]
            text = text.replace(rng.choice(words), rng.choice([*words, "__proto__", "x"]), 1)
    return text


def test_known_strings():
    for text, answer in zip(GOOD, ask([{"text": t} for t in GOOD])):
        assert "error" not in json.loads(answer), (text[:100], answer)
        assert seen(text) is not None, text[:100]
    for text, answer in zip(BAD, ask([{"text": t} for t in BAD])):
        assert json.loads(answer).get("kind") == "ValueError", (text[:100], answer[:200])
        assert seen(text) is None, text[:100]


def test_ten_thousand_hostile_strings_get_the_same_verdict():
    rng = random.Random(0)
    texts = [*GOOD, *BAD, *(hostile(rng) for _ in range(10_000))]
    accepted = 0
    for text, line in zip(texts, ask([{"text": t} for t in texts])):
        answer, ours = json.loads(line), seen(text)
        assert ("error" in answer) == (ours is None), (text[:300], answer, ours)
        if ours is not None:
            accepted += 1
            assert answer["value"] == ours, text[:300]
            again = seen(answer["dumped"])
            assert again is not None
            assert len(again["pairs"]) == len(ours["pairs"])
            assert value.parse(value.dump(value.parse(text))) == value.parse(text)
    assert 300 < accepted < 9000  # both kinds were tried


def random_shapes(rng: random.Random, width: int, height: int) -> list[dict]:
    def point():
        return [round(rng.uniform(-0.1, 1.1) * width, 2), round(rng.uniform(-0.1, 1.1) * height, 2)]

    shapes = []
    for _ in range(rng.randint(1, 8)):
        kind = rng.choice(["brush", "brush", "brush", "lasso", "rectangle", "grow", "invert", "fill", "clear"])
        shape: dict = {"kind": kind}
        if kind == "brush":
            shape["points"] = [point() for _ in range(rng.randint(1, 12))]
            shape["size"] = rng.choice(
                [round(rng.uniform(1, 0.4 * min(width, height)), 2), 2 * rng.randint(1, 20), 999]
            )
            shape["hardness"] = rng.choice([1, 0.5, 0])
        elif kind == "lasso":
            shape["points"] = [point() for _ in range(rng.randint(3, 9))]
        elif kind == "rectangle":
            shape["points"] = [point(), point()]
        elif kind == "grow":
            shape["size"] = rng.randint(-12, 12)
        if "points" in shape and rng.random() < 0.3:
            shape["erase"] = True
        shapes.append(shape)
    return shapes


@pytest.mark.parametrize(("width", "height"), [(64, 64), (256, 256), (512, 333), (33, 400), (901, 127)])
def test_masks_agree(width, height):
    """Forty random masks at each of five sizes."""
    rng = random.Random(width * height)
    questions = [{"shapes": random_shapes(rng, width, height), "width": width, "height": height} for _ in range(40)]
    for question, answer in zip(questions, ask(questions)):
        text = json.dumps({"pairs": [], "mask": {"shapes": question["shapes"]}})
        ours = mask.rasterise(value.parse(text).shapes, width, height)
        theirs = np.frombuffer(base64.b64decode(answer), np.float32).reshape(height, width)
        assert np.abs(ours - theirs).mean() < 1e-4
        a, b = ours > 0, theirs > 0
        union = (a | b).sum()
        assert union == 0 or (a & b).sum() / union >= 0.99, question


def test_regions_around_arrows_agree():
    rng = random.Random(5)
    questions = []
    for _ in range(2000):
        w, h = rng.randint(1, 4096), rng.randint(1, 4096)

        def point(w=w, h=h):
            return [round(rng.uniform(-9, w + 9), rng.randint(0, 2)), round(rng.uniform(-9, h + 9), rng.randint(0, 2))]

        arrows = [[point(), point()] for _ in range(3)]
        arrows.append([arrows[0][0], [v + rng.uniform(-0.6, 0.6) for v in arrows[0][0]]])
        questions.append({"arrows": arrows, "width": w, "height": h})
    strokes = 0
    for q, answer in zip(questions, ask(questions)):
        ours = region.around([tuple(map(tuple, a)) for a in q["arrows"]], q["width"], q["height"])
        found = [{"kind": s.kind, "points": [list(p) for p in s.points], "size": s.size, "hardness": 1} for s in ours]
        assert found == json.loads(answer), q
        strokes += len(ours)
    assert 6000 < strokes < 8000  # anchors were among them


def short(rng: random.Random, size: tuple[int, int]) -> list[list[float]]:
    """A pair of a few pixels, sometimes at a border or in a corner."""
    handle = [rng.choice([0, s - 1, rng.uniform(0, s - 1)]) for s in size]
    return [handle, [min(max(h + rng.uniform(-3, 3), 0), s - 1) for h, s in zip(handle, size)]]


def test_sizes_agree():
    """What is the same picture in another size, and where points, strokes and growths move then."""
    rng = random.Random(7)
    questions = []
    for _ in range(400):
        old = (rng.randint(20, 4096), rng.randint(20, 4096))
        factor = rng.uniform(0.2, 4)
        new = tuple(max(1, round(s * factor) + rng.choice((0, 0, 0, -1, 1, 2, 9))) for s in old)
        points = [[rng.uniform(-0.2, 1.2) * s for s in old] for _ in range(4)]
        data = {
            "width": old[0],
            "height": old[1],
            "pairs": [points[:2], points[2:], *(short(rng, old) for _ in range(3))],
            "mask": {"shapes": random_shapes(rng, *old)},
        }
        sides = [dict(zip(("width", "height"), size)) for size in (old, new)]
        questions.append({"resized": json.dumps(data), "from": sides[0], "to": sides[1]})
    same = collapsed = 0
    for question, line in zip(questions, ask(questions)):
        theirs, size = json.loads(line), tuple(question["to"].values())
        read = value.parse(question["resized"])
        assert theirs["same"] is sizes.same_shape(read.size, size)
        same += theirs["same"]
        ours = sizes.rescaled(read, size)
        assert [p["handle"] + p["target"] for p in theirs["pairs"]] == [[*p.handle, *p.target] for p in ours.pairs]
        collapsed += any(
            value.is_anchor(p.handle, p.target) != value.is_anchor(q.handle, q.target)
            for p, q in zip(read.pairs, ours.pairs)
        )
        for there, here in zip(theirs["shapes"], ours.shapes, strict=True):
            assert there.get("points", []) == [list(p) for p in here.points]
            assert there.get("size", 0) == here.size
    assert 50 < same < 350
    assert collapsed == 0


def test_schema_describes_what_is_written():
    jsonschema = pytest.importorskip("jsonschema")
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    validator = jsonschema.Draft202012Validator(SCHEMA)
    rng = random.Random(1)
    for _ in range(100):
        shapes = random_shapes(rng, 100, 80)
        text = json.dumps({"pairs": [[[1, 2], [3, 4]]], "mask": {"mode": "replace", "shapes": shapes}})
        validator.validate(json.loads(value.dump(value.parse(text))))
    for text in BAD:
        try:
            data = json.loads(text, parse_constant=lambda name: None)
        except (ValueError, RecursionError):
            continue
        if (
            isinstance(data, dict)
            and isinstance(data.get("pairs"), list)
            and "pairs" in text
            and text.count('"pairs"') == 1
        ):
            assert not validator.is_valid(data), text[:200]
