"""What no tool checks: platform/ stays a source root, error codes are unique, the data plane names no SQL."""

import importlib
import importlib.util
import pkgutil
import platform
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from kernel.errors import PlatformError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {
    "config",
    "kernel",
    "accounts",
    "outbox",
    "support",
    "content",
    "panel",
    "ops",
    "billing",
    "nodes",
    "streaming",
}
SOURCES = [
    file
    for folder in ("platform", "billing", "nodes", "streaming")
    for file in (ROOT / folder).rglob("*.py")
    if "migrations" not in file.parts
]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in listed.splitlines() if (ROOT / name).is_file()]


def test_platform_is_the_standard_librarys():
    assert not (ROOT / "platform" / "__init__.py").exists()
    assert not list((ROOT / "platform").glob("*.py"))
    assert "site-packages" not in platform.__file__
    found = subprocess.run(
        [sys.executable, "-c", "import platform; print(platform.python_version())"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.strip() == sys.version.split()[0]


def test_every_package_is_ours_and_not_one_of_that_name_from_elsewhere():
    """panel, ops, accounts and outbox exist on the package index too."""
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        assert found is not None
        assert Path(found.origin).parent in (ROOT / name, ROOT / "platform" / name), name


def test_every_tool_knows_every_package():
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    tool = pyproject["tool"]
    wheel = tool["hatch"]["build"]["targets"]["wheel"]["packages"]

    assert {Path(path).name for path in wheel} == PACKAGES
    assert all((ROOT / path).is_dir() for path in wheel)
    assert set(tool["mypy"]["packages"]) == PACKAGES
    assert set(tool["importlinter"]["root_packages"]) == PACKAGES
    assert tool["ruff"]["src"] == tool["pytest"]["ini_options"]["pythonpath"] == [".", "platform"]


@pytest.mark.parametrize(
    "name", ["accounts", "outbox", "support", "content", "panel", "ops", "billing.models", "billing.gateways"]
)
def test_a_package_says_what_may_happen_inside_and_what_may_not(name):
    said = importlib.util.find_spec(name)
    text = " ".join(Path(said.origin).read_text().split())

    assert "What may happen here:" in text
    assert "What may not:" in text


def test_error_codes_are_unique():
    for package in sorted(PACKAGES - {"config", "panel", "ops"}):
        module = importlib.import_module(package)
        for found in pkgutil.walk_packages(module.__path__, f"{package}."):
            if re.search(r"errors|tokens|scope|instruments|consumers|gateways", found.name):
                importlib.import_module(found.name)
    owners: dict[str, type] = {}
    queue = [PlatformError]
    while queue:
        error = queue.pop()
        queue += error.__subclasses__()
        assert re.fullmatch(r"[a-z0-9_]+", error.code)
        assert owners.setdefault(error.code, error) is error, (
            f"{error} and {owners[error.code]} share the code {error.code}"
        )


def test_the_data_plane_names_no_database():
    for file in (ROOT / "streaming").rglob("*.py"):
        assert not re.search(r"django\.db|from django\.contrib|\bORM\b", file.read_text()), file


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_modules_stay_under_400_lines(file):
    assert len(file.read_text().splitlines()) <= 400


def test_nothing_committed_names_a_registry_or_this_machine():
    forbidden = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|/root/|/work/", re.IGNORECASE)
    for file in tracked():
        if file.suffix in (".png", ".mo", ".gz", ".woff2") or file == Path(__file__):
            continue
        text = file.read_text(encoding="utf-8", errors="replace")
        if file.name.endswith((".min.js", ".min.css", ".production.js")):
            continue
        assert not forbidden.search(text), f"{file.relative_to(ROOT)}: {forbidden.search(text)}"
    assert "://" not in (ROOT / "requirements.lock").read_text()
