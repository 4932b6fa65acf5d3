"""Figures into ``docs/performance.json`` and, between its marks, ``docs/performance.md``."""

from __future__ import annotations

import json
import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

import torch

DOCS = Path(__file__).resolve().parent.parent.parent / "docs"


@dataclass(frozen=True)
class Report:
    """``section`` of the page, where it is not the benchmark's own."""

    markdown: str
    figures: dict
    section: str | None = None


def machine() -> str:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else f"{os.cpu_count()} CPU cores, no GPU"
    return f"{device}, torch {torch.__version__}, Python {platform.python_version()}"


def write(name: str, report: Report) -> None:
    figures = DOCS / "performance.json"
    known = json.loads(figures.read_text()) if figures.exists() else {}
    known[name] = {"machine": machine(), **report.figures}
    figures.write_text(json.dumps(known, indent=1) + "\n")
    page = DOCS / "performance.md"
    start, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    text = page.read_text()
    if start not in text:
        raise SystemExit(f"{page} has no mark {start}; add it where the table shall stand")
    body = f"{start}\n{report.markdown}\n\nMeasured on {machine()}.\n{end}"
    page.write_text(re.sub(re.escape(start) + ".*" + re.escape(end), lambda _: body, text, flags=re.DOTALL))
