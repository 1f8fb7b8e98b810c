"""After a deploy a page's modules are of one version: each is asked for under a name with its hash."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def collected(tmp_path_factory):
    """Where a deployment's static files are."""
    folder = tmp_path_factory.mktemp("static")
    env = {"PATH": os.environ["PATH"], "SECRET_KEY": "k3y-" + "0123456789abcdefghij" * 3, "STATIC_ROOT": str(folder)}
    done = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"], cwd=ROOT, env=env, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder


def test_every_module_of_ours_imports_by_hash(collected):
    names = json.loads((collected / "staticfiles.json").read_text())["paths"]
    ours = [name for name in names if name.endswith(".js") and name.startswith(("streaming/", "panel/"))]
    imports = re.compile(
        r"""^\s*(?:import|export)\b[^'";]*?from\s*["'](\.[^"']+)["']|import\(["'](\.[^"']+)["']\)""", re.M
    )
    found = 0
    for name in ours:
        text = (collected / names[name]).read_text()
        for one, two in imports.findall(text):
            found += 1
            asked = (collected / names[name]).parent / (one or two)
            assert re.search(r"\.[0-9a-f]{12}\.m?js$", asked.name), (name, one or two)
            assert asked.exists()
    assert found >= 3
