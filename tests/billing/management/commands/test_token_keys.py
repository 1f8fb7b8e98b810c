"""`manage.py token_keys`: keys are listed, made, rotated and removed."""

import pytest
from django.core.management import CommandError, call_command

from billing.services import keys

pytestmark = pytest.mark.whole


def test_the_command_lists_rotates_and_removes(keys_dir, capsys):
    [old] = keys.key_ids()

    call_command("token_keys", "rotate")
    call_command("token_keys", "list")
    call_command("token_keys", "remove", old)

    listed = [line for line in capsys.readouterr().out.splitlines() if line.endswith("signs")]
    assert len(listed) == 1
    assert old not in keys.key_ids()
    with pytest.raises(CommandError):
        call_command("token_keys", "create")


def test_each_algorithm_has_its_own_signing_key(keys_dir, capsys):
    call_command("token_keys", "create", "--algorithm", "RS256")
    call_command("token_keys", "list")

    lines = capsys.readouterr().out.splitlines()[1:]
    assert sorted(line.split()[1] for line in lines) == ["EdDSA", "RS256"]
    assert all(line.endswith("signs") for line in lines)
    with pytest.raises(CommandError):
        call_command("token_keys", "create", "--algorithm", "RS256")
    (rsa,) = keys.key_ids("RS256")
    with pytest.raises(CommandError):
        call_command("token_keys", "remove", rsa)
