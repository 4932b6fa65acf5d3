"""The engine stands alone."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_import_loads_nothing_of_comfyui():
    code = (
        "import sys, gooddrag, gooddrag.command, gooddrag.demo.evaluate\n"
        "names = ('comfy', 'comfy_api', 'comfy_extras', 'folder_paths', 'nodes', 'server', 'execution')\n"
        "print([m for m in sys.modules if m.split('.')[0] in names])"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out.strip() == "[]"
