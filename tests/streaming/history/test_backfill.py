"""A running node is asked for its minutes, page by page; what is right is stored below what came live."""

import json
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import CommandError, call_command

from streaming.domain.minutes import MinuteBar
from streaming.errors import BackfillRefused
from streaming.history.backfill import KlineClient, _frame
from streaming.history.minutes import insert_minutes
from tests.streaming.api.conftest import rest as rest  # noqa: PLC0414 - its fixture
from tests.streaming.conftest import make_token
from tests.streaming.references import stored_minutes

pytestmark = pytest.mark.whole
SHANGHAI = ZoneInfo("Asia/Shanghai")
SYMBOL = "00823.HK"


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()) * 1000


def week() -> list[MinuteBar]:
    """Minutes of four whole days: more than a page."""
    bars = []
    for day in ("2025-03-03", "2025-03-04", "2025-03-05", "2025-03-06"):
        for minute in (*range(570, 720), *range(780, 960)):
            opened_ms = at(day) + minute * 60_000
            bars.append(MinuteBar(SYMBOL, opened_ms, 100_001, 100_100, 99_900, 100_000, 100, 10_000_000))
    return bars


def filled(rest, *arguments: str) -> str:
    out = StringIO()
    call_command("backfill_history", *arguments, "--url", rest.base, "--per-minute", "6000", stdout=out)
    return out.getvalue()


@pytest.fixture(autouse=True)
def key(monkeypatch) -> None:
    monkeypatch.setenv("TICKPACK_BACKFILL_KEY", make_token())


def test_days_of_another_node_come_in_whole_and_below_what_was_live(rest) -> None:
    insert_minutes(week(), version=1, source="test", made_up=True)  # what that node answers
    live = MinuteBar(SYMBOL, at("2025-03-04T10:00"), 1, 1, 1, 1, 1, 1)
    insert_minutes([live], version=1)

    said = filled(rest, SYMBOL, "--from", "2025-03-03", "--to", "2025-03-05")

    assert "990 bars stored, 0 refused" in said
    assert stored_minutes(SYMBOL) == [live if bar.opened_ms == live.opened_ms else bar for bar in week()[:990]]


def test_more_than_a_page_is_asked_for_in_order(rest) -> None:
    insert_minutes(week(), version=1, source="test", made_up=True)
    client = KlineClient(rest.base, make_token(), 6000)

    pages = [frame.height for frame in client.bars(SYMBOL, "1m", at("2025-03-03"), at("2025-03-08"))]
    client.close()

    assert pages == [1000, 320]


def test_a_refusal_is_told_in_its_words(rest, monkeypatch) -> None:
    with pytest.raises(CommandError, match=r"05555\.HK: 2002"):
        filled(rest, "05555.HK", "--from", "2025-03-03", "--to", "2025-03-05")
    monkeypatch.setenv("TICKPACK_BACKFILL_KEY", "x.y.z")
    with pytest.raises(CommandError, match="1001"):
        filled(rest, SYMBOL, "--from", "2025-03-03", "--to", "2025-03-05")
    monkeypatch.delenv("TICKPACK_BACKFILL_KEY")
    with pytest.raises(CommandError, match="TICKPACK_BACKFILL_KEY is not set"):
        filled(rest, SYMBOL, "--from", "2025-03-03")
    monkeypatch.setenv("TICKPACK_BACKFILL_KEY", "x")
    with pytest.raises(CommandError, match="is behind"):
        filled(rest, SYMBOL, "--from", "2025-03-03", "--to", "2025-03-01")


ROW = {"time": 1, "open": "1", "high": "1", "low": "1", "close": "1", "volume": "1", "quote_volume": "1"}


@pytest.fixture
def answers():
    """A server whose answers a test writes: (status, headers, text)."""
    told: list[tuple[int, dict[str, str], str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, text = told.pop(0)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    server.server_close()


def page(*rows: dict) -> str:
    return json.dumps({"code": 0, "message": "success", "data": {"klines": rows}})


def test_who_is_asked_too_often_is_waited_for_as_long_as_it_says(answers) -> None:
    url, told = answers
    told += [(429, {"Retry-After": "7"}, "{}"), (503, {}, "{}"), (200, {}, page(ROW)), (200, {}, page())]
    slept: list[float] = []
    client = KlineClient(url, "key", 60, sleep=slept.append)

    frames = list(client.bars("600519.SH", "1m", 0, 10**9))
    client.close()

    assert [frame.height for frame in frames] == [1]
    assert 7.0 in slept
    assert sum(0.5 < one <= 1.0 for one in slept) >= 3  # a request a second


@pytest.mark.parametrize("text", ["[]", "{}", '{"code": 0}', page({**ROW, "time": "soon"}), page({"open": "1"})])
def test_an_answer_without_klines_is_told_and_not_tried_again(answers, text: str) -> None:
    url, told = answers
    told += [(200, {}, text)]
    client = KlineClient(url, "key", 6000)

    with pytest.raises(BackfillRefused, match=r"600519\.SH: an answer without klines"):
        list(client.bars("600519.SH", "1m", 0, 10**9))
    client.close()


def test_who_never_answers_is_given_up_after_five_tries(answers) -> None:
    url, told = answers
    told += [(500, {}, "<html>")] * 5
    client = KlineClient(url, "key", 6000, sleep=lambda seconds: None)

    with pytest.raises(BackfillRefused, match=r"600519\.SH: JSONDecodeError"):
        list(client.bars("600519.SH", "1m", 0, 10**9))
    client.close()
    assert told == []


def test_a_turnover_that_the_other_node_leaves_out_is_unknown_and_an_empty_one_is_refused():
    untold = {name: value for name, value in ROW.items() if name != "quote_volume"}

    frame = _frame(SYMBOL, [untold, {**ROW, "quote_volume": None}])

    assert frame["turnover"].to_list() == ["0", None]  # 0 beside a volume is what nobody told
