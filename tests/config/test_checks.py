"""What `manage.py check` refuses, and what does not start at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import checks

ROOT = Path(__file__).resolve().parents[2]
GOOD_KEY = "k3y-" + "0123456789abcdefghij" * 3


def manage(*arguments, **environment):
    """Run a command with these settings and no others; return (exit code, what it said)."""
    kept = {
        name: os.environ[name] for name in ("PATH", "TICKPACK_VAR", "REDIS_URL", "DATABASE_URL") if name in os.environ
    }
    done = subprocess.run([sys.executable, "manage.py", *arguments], cwd=ROOT, env={**kept, **environment},
                          capture_output=True, text=True, check=False)  # fmt: skip
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "localhost", "shop.localhost", "[::1]", "::1"])
def test_what_is_this_machine_alone(host):
    assert checks.is_loopback(host)


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "10.0.0.1", "panel.example.com", "*", "", ".example.com", "127.0.0.1.example"]
)
def test_what_others_can_reach(host):
    assert not checks.is_loopback(host)


@pytest.mark.parametrize(
    "settled", [{"PANEL_URL": "https://shop.example"}, {"ALLOWED_HOSTS": ["localhost", "shop.example"]}]
)
def test_an_embedded_run_names_nobody_elses_host(settings, settled):
    settings.EMBEDDED, settings.ALLOWED_HOSTS = True, ["127.0.0.1"]
    assert checks.embedded_is_for_this_machine_alone(None) == []

    for name, value in settled.items():
        setattr(settings, name, value)

    [found] = checks.embedded_is_for_this_machine_alone(None)
    assert "shop.example" in found.msg


def test_any_host_is_no_host(settings):
    settings.DEBUG, settings.ALLOWED_HOSTS = False, ["*"]
    assert [one.id for one in checks.hosts_are_named(None)] == ["config.E003"]


@pytest.mark.whole
def test_an_embedded_run_is_not_served_to_others():
    code, said = manage("serve", "--host", "0.0.0.0", "--port", "0", TICKPACK_EMBEDDED="1")
    assert code == 1
    assert "--host 0.0.0.0" in said
    assert "Traceback" not in said


@pytest.mark.whole
@pytest.mark.parametrize("key", ["short", "a" * 60, "ab" * 40])
def test_a_key_that_can_be_guessed_starts_nothing_and_stands_in_no_message(key):
    code, said = manage("check", SECRET_KEY=key, ALLOWED_HOSTS="shop.example")
    assert code == 1
    assert key not in said
    assert "SECRET_KEY has" in said


@pytest.mark.whole
def test_a_deployment_s_settings_pass():
    code, said = manage("check", "--deploy", "--fail-level", "ERROR", SECRET_KEY=GOOD_KEY, ALLOWED_HOSTS="shop.example")
    assert code == 0, said
