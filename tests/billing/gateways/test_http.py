"""Silence, half an answer and too long a one are all the same: nobody knows."""

import gzip

import pytest

from billing.errors import GatewayUnavailable
from billing.gateways import http
from tests.emulators.serving import Emulator, Reply


class Odd(Emulator):
    def handle(self, request):
        return {
            "/half": Reply(200, b"half", half=True),
            "/long": Reply(200, b"x" * 2000),
            "/zip": Reply(200, gzip.compress(b"packed"), {"content-encoding": "gzip"}),
            "/away": Reply(302, b"", {"location": f"{self.url}/long"}),
        }.get(request.path, Reply(404, b"?"))


@pytest.fixture(scope="module")
def odd():
    with Odd() as running:
        yield running


def test_an_answer_is_whole_whatever_its_status(odd):
    assert http.ask("x", "GET", f"{odd.url}/zip").content == b"packed"
    assert http.ask("x", "GET", f"{odd.url}/nothing").status_code == 404
    assert http.ask("x", "GET", f"{odd.url}/away").status_code == 302  # nobody is followed with a signed request


@pytest.mark.parametrize("path", ["/half", "/long"])
def test_less_or_more_than_an_answer_is_none(odd, path):
    with pytest.raises(GatewayUnavailable) as caught:
        http.ask("alipay", "GET", f"{odd.url}{path}?secret=hunter2", most=1000)
    assert caught.value.fields["provider"] == "alipay"
    assert "hunter2" not in f"{caught.value} {caught.value.__cause__}"


def test_nobody_there_is_no_answer_either():
    with pytest.raises(GatewayUnavailable):
        http.ask("x", "GET", "http://127.0.0.1:9/")
