"""Whoever is asked may hang, break off or talk for ever: it is one kind of failure, and no secret stands in it."""

import pytest

from accounts import outside
from tests.emulators.serving import Emulator, Reply

pytestmark = pytest.mark.whole


class Strange(Emulator):
    def handle(self, request):
        return {
            "/right": Reply(200, b"here"),
            "/half": Reply(200, b"he", half=True),
            "/long": Reply(200, b"x" * (outside.MOST_BYTES + 1)),
            "/hang": Reply(200, b"late", wait_seconds=5),
            "/away": Reply(302, b"", {"Location": "/right"}),
        }[request.path]


@pytest.fixture(scope="module")
def strange():
    with Strange() as started:
        yield started


def test_an_answer_comes_whole_and_nobody_is_followed_elsewhere(strange):
    assert outside.ask("GET", f"{strange.url}/right?secret=s3cret").content == b"here"
    assert outside.ask("GET", f"{strange.url}/away").status_code == 302


@pytest.mark.parametrize("path", ["/half", "/long", "/hang"])
def test_what_is_no_whole_answer_is_none(strange, path, monkeypatch):
    monkeypatch.setattr(outside, "TIMEOUT", 0.3)

    with pytest.raises(outside.NoAnswer) as caught:
        outside.ask("GET", f"{strange.url}{path}?secret=s3cret")
    assert "s3cret" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_nobody_there_is_no_answer():
    with pytest.raises(outside.NoAnswer):
        outside.ask("GET", "http://127.0.0.1:9/")
