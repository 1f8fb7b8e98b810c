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
