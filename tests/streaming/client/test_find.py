"""`tickpack find` against a real node, and what it says where a node is old, refuses or is away."""

import io
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from streaming.client.find import find
from streaming.client.settings import Access
from tests.streaming.conftest import make_token

pytestmark = pytest.mark.whole


def told(access: Access, *asked: str, market: str = "", limit: int = 10) -> tuple[int, str]:
    out = io.StringIO()
    code = find(access, list(asked), market=market, limit=limit, as_json=False, console=Console(file=out, width=140))
    return code, out.getvalue()


@pytest.fixture
def access(node):
    return Access((node.base.replace("http", "ws", 1) + "/ws/stock",), make_token())


@pytest.mark.parametrize(
    ("asked", "symbol"),
    [("贵州茅台", "600519.SH"), ("maotai", "600519.SH"), ("gzmt", "600519.SH"), ("600519", "600519.SH"),
     ("SH600519", "600519.SH"), ("700", "00700.HK"), ("腾讯", "00700.HK"), ("00700.HK", "00700.HK"),
     ("700$HK", "00700.HK"), ("430047", "920047.BJ"), ("６００５１９", "600519.SH")],
)  # fmt: skip
def test_a_node_finds_what_people_write(access, asked, symbol):
    code, said = told(access, asked, limit=3)

    assert code == 0
    assert said.splitlines()[2].startswith(symbol)


def test_a_code_of_two_products_is_asked_back_and_a_list_is_answered_one_by_one(access):
    code, said = told(access, "000001,腾讯", "nichts&limit=9#?", limit=2)

    assert "000001 is the code of several products: write 000001.SZ or 000001.SH" in said
    assert "00700.HK" in said
    assert "nichts&limit=9#?: nothing is found" in said
    assert code == 1  # not all of them were found


def test_a_former_code_is_said_to_be_one_and_a_market_may_be_chosen(access):
    assert "under a former code" in told(access, "430047")[1]
    assert told(access, "700", market="CN", limit=50)[1].count("00700.HK") == 0


def test_the_program_does_it(node):
    environment = {"STOCK_RT_TOKEN": make_token(), "STOCK_RT_WS_URL": node.base.replace("http", "ws", 1) + "/ws/stock"}
    command = [sys.executable, "-m", "streaming.client.cli", "find", "gzmt", "--json"]

    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=False)

    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert result["items"][0]["name_zh"] == "贵州茅台"


@pytest.fixture
def other():
    """Something that answers `.answer`: (status, body)."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = server.answer
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((404, b'{"code": "not_found"}'), "is older than this program and cannot search. Write whole symbols"),
        ((401, b'{"code": "token_expired", "message": "the token is over"}'), "answered 401: the token is over"),
        ((429, b"<html>"), "answered 429: no reason"),
        ((200, b"<html>"), "cannot be reached"),
    ],
)
def test_what_goes_wrong_is_said_in_a_sentence(other, answer, said):
    other.answer = answer
    port = other.server_address[1]

    code, text = told(Access((f"ws://127.0.0.1:{port}/ws/stock",), "t"), "gzmt")

    assert (code, said in text) == (1, True), text


def test_an_old_node_is_passed_over_where_another_can_search(access, other):
    other.answer = (404, b"{}")
    both = Access((f"ws://127.0.0.1:{other.server_address[1]}/ws/stock", *access.urls), access.token)

    assert told(both, "gzmt")[0] == 0
