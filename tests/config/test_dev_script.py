"""./dev sets itself up where pip can: behind a mirror, or a company's certificate."""

import importlib.util
import sys
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


UNSTEADY = """
from pathlib import Path

def test_one():
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first

def test_two():
    pass
"""
BROKEN = "def test_broken():\n    assert False\n"


@pytest.fixture
def suite(dev, tmp_path, monkeypatch, capfd):
    """Run every_test() on a suite of these files; the exit code and what was printed."""
    for name in ("PYTEST_ADDOPTS", "PYTEST_XDIST_WORKER", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = alone\naddopts = -p no:django -p no:asyncio -v\n")
    pytest_there = [sys.executable, "-m", "pytest", "-c", str(tmp_path / "pytest.ini"), f"--rootdir={tmp_path}"]

    def run(**files: str) -> tuple[int, str]:
        for name, text in files.items():
            (tmp_path / f"test_{name}.py").write_text(text)
        code = dev.every_test(pytest_there, (("-m", "not alone"), ("-m", "alone")), tmp_path)
        return code, capfd.readouterr().out

    return run


def alone(text: str) -> str:
    return text.replace("def ", "import pytest\n\n@pytest.mark.alone\ndef ", 1)


@pytest.mark.whole
def test_what_failed_and_passes_by_itself_is_named_and_stops_nothing(suite):
    code, said = suite(first=UNSTEADY, last=alone("def test_last():\n    pass\n"))
    assert code == 0
    assert "UNSTEADY test_first.py::test_one: failed beside others, passed by itself." in said
    assert "test_two" not in said.partition("once more")[2].partition("test_last")[0], "what had passed ran again"
    assert "test_last PASSED" in said


@pytest.mark.whole
def test_what_fails_twice_has_failed_and_nothing_runs_behind_it(suite):
    code, said = suite(first=BROKEN, last=alone("def test_last():\n    pass\n"))
    assert code == 1
    assert "UNSTEADY" not in said
    assert "test_last" not in said


@pytest.mark.whole
def test_the_last_part_is_looked_at_again_too_and_can_fail(suite):
    assert suite(first="def test_first():\n    pass\n", last=alone(BROKEN))[0] == 1


@pytest.mark.whole
def test_many_failures_are_no_accident(suite):
    many = "import pytest\n@pytest.mark.parametrize('n', range(11))\n" + BROKEN.replace("()", "(n)")
    code, said = suite(first=many)
    assert code == 1
    assert "once more" not in said


@pytest.mark.whole
def test_a_file_that_cannot_be_read_is_no_failed_test(suite):
    code, said = suite(first="import nothing_of_this_name\n")
    assert code == 2
    assert "once more" not in said
