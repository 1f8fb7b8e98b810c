"""What a person at the terminal reads when a run cannot start, and that a second start never trips over the first."""

import io
import shlex
from pathlib import Path

import pytest

from config.embedded import servers, supervisor
from config.embedded.supervisor import CannotStart, Options, Supervisor


def made(var: Path, port: int = 8000) -> Supervisor:
    options = Options(port=port, feed="simulated", data=None, speed="1", paced_from="09:29:50", db="postgres", var=var)
    return Supervisor(options, Path.cwd(), io.StringIO())


def test_half_a_file_of_secrets_is_one_clear_sentence(tmp_path):
    (tmp_path / "secrets.json").write_text('{"secret_key": "ab')
    with pytest.raises(CannotStart, match=r"secrets.json cannot be read; remove it"):
        made(tmp_path)._secrets()


def test_a_disk_that_is_full_leaves_no_half_file_of_secrets(tmp_path, monkeypatch):
    def full(path: Path, text: str) -> int:
        with path.open("w") as file:
            file.write(text[:5])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched, pytest.raises(OSError, match="No space"):
        patched.setattr(Path, "write_text", full)
        made(tmp_path)._secrets()
    assert made(tmp_path)._secrets()["redis_password"]
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("port", [-1, 65_536, 70_000])
def test_a_number_that_is_no_port_is_one_clear_sentence(tmp_path, port):
    with pytest.raises(CannotStart, match="is no port"):
        made(tmp_path, port)._port()


def test_a_database_that_is_never_prepared_is_one_clear_sentence(tmp_path, monkeypatch):
    import subprocess

    monkeypatch.setattr(supervisor, "PREPARE_SECONDS", 0.2)
    with subprocess.Popen(["sleep", "30"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as sleeping:
        with pytest.raises(CannotStart, match="was not prepared"):
            made(tmp_path)._prepared(sleeping)
        sleeping.kill()


@pytest.mark.whole
def test_valkey_starts_in_a_folder_with_a_space_in_its_name(tmp_path):
    var = tmp_path / "my var"
    (var / "log").mkdir(parents=True)
    child, _, _ = servers.valkey(var, "secret")
    child.start()
    try:
        child.wait_ready()
    finally:
        child.make_sure_stopped(0)


def test_the_command_that_is_printed_can_be_pasted_also_from_a_folder_with_a_space(tmp_path):
    keys = dict.fromkeys(("buyer_email", "buyer_password", "admin_email", "admin_password"), "x")
    run = made(tmp_path / "my var")
    run.first_time = True
    run._greet("http://x", "ws://x", keys, 1.0)
    (line,) = [line for line in run.out.getvalue().splitlines() if "tickpack watch" in line]
    assert shlex.split(line)[-1] == str(tmp_path / "my var" / "up.json")
