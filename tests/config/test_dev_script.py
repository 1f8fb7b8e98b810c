"""./dev sets itself up where pip can: behind a mirror, or a company's certificate."""

import importlib.util
from importlib.machinery import SourceFileLoader
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def dev():
    loader = SourceFileLoader("dev_script", str(ROOT / "dev"))
    spec = importlib.util.spec_from_loader("dev_script", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_a_mirror_and_a_certificate_that_pip_knows_are_told_to_uv(dev):
    asked = {
        "global.index-url": "'https://mirror.example/simple'",
        "global.cert": "'/etc/company.pem'",
        "global.trusted-host": "'mirror.example'",
        ":env:.default-timeout": "'180'",
    }
    assert dev.mirror(asked, {}) == {
        "UV_SYSTEM_CERTS": "true",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INSECURE_HOST": "mirror.example",
        "SSL_CERT_FILE": "/etc/company.pem",
    }


@pytest.mark.parametrize("own", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"])
def test_uv_s_own_settings_win(dev, own):
    told = dev.mirror({"global.index-url": "'https://mirror.example/simple'"}, {own: "https://other.example/simple"})
    assert "UV_DEFAULT_INDEX" not in told


def test_without_any_the_machine_s_authorities_are_asked(dev):
    assert dev.mirror({}, {}) == {"UV_SYSTEM_CERTS": "true"}


LISTED = """pgbouncer
  Depends: libc6
  Depends: libevent-2.1-7
 |Depends: debconf
  Depends: <debconf-2.0>
  Recommends: libnone
redis-server
  Depends: redis-tools"""


def test_the_servers_of_a_deployment_come_with_their_libraries_but_with_no_c_library(dev):
    assert [name for line in LISTED.splitlines() if (name := dev.library_named_in(line))] == ["libevent-2.1-7"]


def test_servers_that_are_there_are_not_fetched_again(dev, tmp_path, monkeypatch):
    monkeypatch.setattr(dev.subprocess, "run", lambda *_, **__: pytest.fail("something was run"))
    dev.servers(tmp_path)


def test_where_there_is_no_apt_nothing_is_fetched_and_nothing_is_said(dev, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("PATH", str(tmp_path))
    dev.servers(tmp_path / "servers")
    assert not (tmp_path / "servers").exists()
    assert capfd.readouterr() == ("", "")
