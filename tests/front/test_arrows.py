"""Arrows run down only: front door -> bench, demo -> method -> network -> picture; everybody may read the ground."""

import ast
from pathlib import Path

import pytest

ENGINE = Path(__file__).parent.parent.parent / "gooddrag"
GROUND, DRAWN, FRONT = "ground", "drawn on pictures", "front door"
BELOW = {
    GROUND: set(),
    "picture": {GROUND},
    "network": {GROUND, "picture"},
    "method": {GROUND, "picture", "network"},
    DRAWN: {GROUND, "picture", "network", "method"},
    "demo": {GROUND, "picture", "network", "method"},
    "bench": {GROUND, "picture", "network", "method", "demo", DRAWN},
    FRONT: {GROUND, "picture", "network", "method", "demo", "bench", DRAWN},
}


def _room(parts: tuple[str, ...]) -> str:
    """The wing of a module, given as its path inside of ``gooddrag``."""
    if parts and parts[0] in BELOW:
        return parts[0]
    if parts == ("overlay",):
        return DRAWN
    return GROUND if parts in (("config",), ("files",), ("finite",), ("libraries",), ("progress",)) else FRONT


def _module(path: Path) -> tuple[str, ...]:
    parts = path.relative_to(ENGINE).with_suffix("").parts
    return parts[:-1] if parts[-1] == "__init__" else parts


def _is_command(tree: ast.Module) -> bool:
    """``python -m`` something: a front door of its own, wherever it lies."""
    return any(isinstance(n, ast.If) and ast.unparse(n.test) == "__name__ == '__main__'" for n in tree.body)


def _imported(path: Path, tree: ast.Module) -> list[tuple[str, ...]]:
    """Every module of ``gooddrag`` that a file imports, also inside of functions."""
    package = path.relative_to(ENGINE).parts[:-1]
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1]
            base += tuple(node.module.split(".")) if node.module else ()
            found += [(*base, a.name) if _exists((*base, a.name)) else base for a in node.names]
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "gooddrag":
            found += [tuple(node.module.split(".")[1:])]
    return found


def _exists(parts: tuple[str, ...]) -> bool:
    path = ENGINE.joinpath(*parts)
    return path.with_suffix(".py").is_file() or path.is_dir()


@pytest.mark.parametrize("path", sorted(ENGINE.rglob("*.py")), ids=lambda p: str(p.relative_to(ENGINE)))
def test_arrows_run_down(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    room = FRONT if _is_command(tree) else _room(_module(path))
    up = {m for m in _imported(path, tree) if _room(m) not in BELOW[room] | {room}}
    assert not up, f"{room} must not know {sorted('.'.join(m) for m in up)}"


MOST_AT_THE_DOOR = 12


def test_the_front_door_stays_small():
    """What does not fit beside the wings is a wing of its own, or part of one."""
    assert len(list(ENGINE.glob("*.py"))) <= MOST_AT_THE_DOOR


def test_every_wing_says_what_lives_there():
    for wing in set(BELOW) - {GROUND, FRONT}:
        if (ENGINE / wing).is_dir():
            assert ast.get_docstring(ast.parse((ENGINE / wing / "__init__.py").read_text())), wing
