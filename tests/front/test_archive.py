"""What the registry ships: all that is needed, nothing else, and not too much."""

import ast
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

from devtools import archive
from devtools.server import clean_environment

ROOT = Path(__file__).parent.parent.parent
MOST = 26_000_000


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    if not shutil.which("git") or not (ROOT / ".git").exists():
        pytest.skip("this is no checkout")
    folder = tmp_path_factory.mktemp("archive")
    assert archive.pack(folder / "a.zip") <= MOST
    with zipfile.ZipFile(folder / "a.zip") as packed:
        packed.extractall(folder / "ComfyUI-GoodDrag")
    return folder / "ComfyUI-GoodDrag"


def test_it_has_every_file_of_the_pack_and_no_test(unpacked):
    for folder in ("gooddrag", "nodes", "web", "locales", "example_workflows", "subgraphs"):
        here, there = (
            {p.relative_to(root).as_posix() for p in (root / folder).rglob("*.*")} for root in (ROOT, unpacked)
        )
        assert {p for p in here if "__pycache__" not in p} == there
    assert not {"tests", "devtools", ".github", "dev.py"} & {p.name for p in unpacked.iterdir()}
    assert {"__init__.py", "pyproject.toml", "requirements.txt", "README.md", "LICENSE", "CHANGELOG.md"} <= {
        p.name for p in unpacked.iterdir()
    }


def test_nothing_in_it_needs_what_is_left_out(unpacked):
    for path in unpacked.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            assert not {n.partition(".")[0] for n in names} & {"tests", "devtools"}, path


LINK = re.compile(r"\]\(<?([^)\s>]+)|(?:src|href)=[\"']([^\"']+)")


def test_every_link_of_its_pages_has_its_target(unpacked):
    dead = []
    for page in unpacked.rglob("*.md"):
        text = re.sub(r"^```.*?^```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
        for found in LINK.finditer(text):
            target = (found[1] or found[2]).partition("#")[0]
            if target and not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                dead.append(f"{page.relative_to(unpacked)}: {target}")
    assert dead == []


@pytest.mark.parametrize("name", ["--help.zip", "-x", "archive", "archive.tar"])
def test_a_name_that_is_none_of_an_archive_is_refused(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as refused:
        archive.main(["--", name])
    assert refused.value.code == 2
    assert "must end in .zip" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_asked_for_help_it_writes_nothing(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as refused:
        archive.main(["--help"])
    assert refused.value.code == 0
    assert "ComfyUI-GoodDrag.zip" in capsys.readouterr().out
    assert not list(tmp_path.iterdir())


def test_the_engine_runs_from_it(unpacked):
    Image.new("RGB", (96, 96), "teal").save(unpacked.parent / "in.png")
    command = [
        sys.executable,
        "-m",
        "gooddrag",
        "edit",
        "../in.png",
        "--points",
        "30,30>50,40",
        "--output",
        "../out.png",
    ]
    command += ["--preset", "fast", "--operations", "1"]
    result = subprocess.run(command, cwd=unpacked, env=clean_environment(), capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert (unpacked.parent / "out.png").is_file()


def test_the_registrys_fields(unpacked):
    text = (unpacked / "pyproject.toml").read_text()
    version = re.search(r'^version = "(.+)"', text, re.M)[1]
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    assert f"## [{version}]" in (unpacked / "CHANGELOG.md").read_text()
    for field in ("Repository", "PublisherId", "DisplayName", "Icon", "Banner", "requires-comfyui", "classifiers"):
        assert re.search(rf"^{field} = ", text, re.M), field
    for field in ("Icon", "Banner"):
        assert (ROOT / "docs" / Path(re.search(rf'^{field} = "(.+)"', text, re.M)[1]).name).is_file()
