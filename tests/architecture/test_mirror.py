"""Every module of the control plane, and of the data plane's pure rooms, has its tests at the mirror of its path."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
APPS = (
    "platform/accounts",
    "platform/outbox",
    "platform/support",
    "platform/content",
    "platform/panel",
    "platform/ops",
    "nodes",
    "billing",
)
# Each alone, without what is below: a further language has its samples and conversations beside its tests.
ROOMS = (
    "platform/kernel", "streaming/hub", "streaming/latest", "streaming/resume", "streaming/wire",
    "streaming/wire/dialects/native",
)  # fmt: skip
# Names, lists and shapes: what they hold is tested by what uses them.
NO_OWN_TESTS = {"apps.py", "errors.py", "urls.py", "serializers.py", "announcements.py", "protocol.py"}


@pytest.mark.parametrize("app", APPS)
def test_every_module_has_its_mirror(app):
    modules = [file.relative_to(ROOT / app) for file in (ROOT / app).rglob("*.py")]
    needed = {
        Path("tests", Path(app).name, *module.parts[:-1], f"test_{module.name}")
        for module in modules
        if module.name != "__init__.py" and "migrations" not in module.parts and module.name not in NO_OWN_TESTS
    }

    assert sorted(str(test) for test in needed if not (ROOT / test).exists()) == []


@pytest.mark.parametrize("room", ROOMS)
def test_every_module_of_a_room_has_its_mirror(room):
    mirror = Path("tests", room.removeprefix("platform/"))
    needed = {mirror / f"test_{file.name}" for file in (ROOT / room).glob("*.py") if file.name != "__init__.py"}

    assert needed
    assert sorted(str(test) for test in needed if not (ROOT / test).exists()) == []
