"""A token that a client put into its URL reaches no log: not ours, not the server's, not an exception's."""

import logging
import sys
import uuid

import httpx
import pytest

from config.embedded.children import free_port
from config.logs import JsonLine, Line, redacted
from tests.streaming.conftest import make_token, serve

CANARY = "canary" + "c" * 20


@pytest.mark.parametrize(
    "text",
    [
        f'GET /stock/tick?region=HK&token={CANARY} HTTP/1.1" 200',
        f"/v1/market/ticker?api_key={CANARY}&symbols=700.HK",
        f"wss://node/stock?TOKEN={CANARY}",
        f"redirect=%2Fws%3Ftoken%3D{CANARY}%26x",
        f'{{"url": "/x?api_key={CANARY}"}}',
    ],
)
def test_what_stands_behind_a_tokens_name_in_a_url_is_not_logged(text):
    assert CANARY not in redacted(text)
    assert "[token]" in redacted(text)


@pytest.mark.parametrize("text", ["Authorization: Bearer tpk_{}", "{{'key': 'tpk_{}'}}", "/x?key=tpk_{}&y", "tpk_{}"])
def test_an_api_key_is_not_logged_and_what_people_tell_it_by_is(text):
    assert CANARY not in redacted(text.format(CANARY))
    assert "[key]" in redacted(text.format(CANARY))
    assert redacted("revoked tpk_ab12CD…") == "revoked tpk_ab12CD…"


def test_the_rest_of_a_line_stays():
    told = redacted(f"/stock/tick?token={CANARY}&region=HK took 3 ms")

    assert told == "/stock/tick?token=[token]&region=HK took 3 ms"


@pytest.mark.parametrize("formatter", [Line("%(message)s"), JsonLine()])
def test_both_forms_of_a_line_redact_messages_and_tracebacks(formatter):
    try:
        raise ValueError(f"cannot read /x?token={CANARY}")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 1, "GET /x?api_key=%s", (CANARY,), sys.exc_info())

    assert CANARY not in formatter.format(record)


@pytest.mark.whole
def test_a_server_logs_no_token_whatever_is_asked(tmp_path):
    """Ours, and uvicorn as somebody else may start it, with its access log on."""
    token, bad = make_token(), f"{CANARY}{uuid.uuid4().hex}"
    paths = ["/stock/tick?region=HK&code=700&token={}", "/v1/market/ticker?symbols=1&api_key={}",
             "/quote-stock-b-api/kline?token={}&query=%7B", "/nope?token={}", "/v1/usage?token={}"]  # fmt: skip
    uvicorn = [sys.executable, "-m", "uvicorn", "config.asgi:application", "--log-level", "debug", "--port"]
    for argv in ([sys.executable, "manage.py", "serve", "--port"], uvicorn):
        folder = tmp_path / uuid.uuid4().hex
        folder.mkdir()
        port = free_port()
        for node in serve("web", [*argv, str(port)], port, folder, LOG_LEVEL="DEBUG"):
            with httpx.Client(base_url=node.base) as client:
                for path in paths:
                    for one in (token, bad):
                        assert client.get(path.format(one)).status_code < 500
        said = (folder / "server.log").read_text()
        assert len(said) > 100
        assert [line for line in said.splitlines() if token[40:] in line or bad in line] == []
