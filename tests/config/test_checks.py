"""What `manage.py check` refuses, and what does not start at all."""

import ast
import os
import subprocess
import sys
from collections import Counter
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


def test_half_a_door_is_a_sentence_for_each_setting_that_lacks(settings):
    settings.SMS_PROVIDER, settings.SMS_KEY_ID, settings.WEIXIN_LOGIN_APP_ID = "aliyun", "LTAI", "wx1"

    found = checks.doors_are_set_up(None)

    assert {one.id for one in found} == {"config.E005"}
    assert ["SMS_SIGN_NAME" in one.msg for one in found].count(True) == 1
    assert ["WEIXIN_LOGIN_SECRET_FILE" in one.msg for one in found].count(True) == 1
    assert not any("SMS_KEY_ID" in one.msg for one in found)
    settings.SMS_PROVIDER, settings.WEIXIN_LOGIN_APP_ID = "none", ""
    assert checks.doors_are_set_up(None) == []


def test_a_server_does_not_start_with_codes_in_its_log():
    environment = {"SECRET_KEY": GOOD_KEY, "ALLOWED_HOSTS": "shop.example"}

    assert manage("check", **environment)[0] == 0
    code, said = manage("check", **environment, SMS_PROVIDER="console")

    assert code != 0
    assert "SMS_PROVIDER names console" in said


def test_no_setting_is_given_in_two_files():
    """The one that is read later would take the other's place unseen: it once took the form away that moves a number."""
    given = Counter()
    for name in ("settings", "doors", "shop", "openapi_settings", "admin_looks"):
        module = ast.parse((ROOT / "platform" / "config" / f"{name}.py").read_text())
        assigned = [one for one in module.body if isinstance(one, ast.Assign)]
        given.update({target.id for one in assigned for target in one.targets if isinstance(target, ast.Name)})

    assert given["ACCOUNT_FORMS"] == 1
    assert [name for name, times in given.items() if times > 1 and name.isupper()] == []
