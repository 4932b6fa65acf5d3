"""What may arrive: values of the editor that are right, nearly right, and not right at all."""

import json

from hypothesis import strategies as st

from gooddrag.picture import value

LONGEST = 900
"""Of what a person is told."""


def in_words(error: ValueError) -> None:
    """It is a refusal that a person can read."""
    assert 10 < len(str(error)) < LONGEST
    assert str(error).isprintable()


numbers = st.one_of(
    st.integers(-10, 300),
    st.floats(-10, 300),
    st.floats(),
    st.sampled_from([0, -0.0, 0.5, 63.5, 1e6, -1e6, 1e7, 1e308, 2**53, 2**64, 10**400]),
)
words = st.one_of(
    st.sampled_from(
        [*value.MODES, *value.REGIONS, *value._LEAST_POINTS, "", "__proto__", "x", "\ud800", "\u202e", "NaN"]
    ),
    st.text(max_size=5),
)
leaves = st.one_of(st.none(), st.booleans(), numbers, words)
names = st.one_of(
    st.sampled_from(["version", "width", "height", "pairs", "points", "mask", "region", "mode", "shapes", "kind", "handle",
                     "target", "off", "erase", "size", "hardness", "x", "y"]),
    words,
)  # fmt: skip
anything = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=5), max_leaves=25
)

inside = st.tuples(st.floats(0, 95), st.floats(0, 63))
"""Points of a picture of 96 x 64."""


@st.composite
def shapes(draw) -> value.Shape:
    kind = draw(st.sampled_from(list(value._LEAST_POINTS)))
    least = value._LEAST_POINTS[kind]
    near = st.tuples(st.floats(-200, 300), st.floats(-200, 300))
    points = (
        tuple(draw(st.lists(near, min_size=least, max_size=2 if kind == "rectangle" else least + 3))) if least else ()
    )
    size, hardness = 0.0, 1.0
    if kind == "brush":
        size, hardness = draw(st.floats(0.5, 300)), draw(st.floats(0, 1))
    elif kind == "grow":
        size = draw(st.floats(-30, 30))
    return value.Shape(kind, points, bool(least) and draw(st.booleans()), size, hardness)


values = st.builds(
    value.Value,
    st.lists(st.builds(value.Pair, inside, inside, st.booleans()), max_size=5).map(tuple),
    st.lists(shapes(), max_size=5).map(tuple),
    st.sampled_from(value.MODES),
    st.sampled_from([None, (96, 64), (192, 128), (97, 64), (1, 1)]),
    st.sampled_from(value.REGIONS),
)


@st.composite
def bent(draw) -> str:
    """A right value with something else in one place."""
    data = json.loads(value.dump(draw(values)))
    for _ in range(draw(st.integers(1, 3))):
        place = data
        while isinstance(place, (dict, list)) and place:
            keys = list(place) if isinstance(place, dict) else range(len(place))
            key = draw(st.sampled_from(keys))
            if not isinstance(place[key], (dict, list)) or not place[key] or draw(st.booleans()):
                place[key] = draw(anything)
                break
            place = place[key]
    return json.dumps(data)


@st.composite
def cut(draw, whole: bytes) -> bytes:
    """Bytes of a file with some changed, taken out or put in."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 4))):
        at, count = draw(st.integers(0, len(data))), draw(st.integers(0, 9))
        data[at : at + count] = draw(st.binary(max_size=9))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data)
