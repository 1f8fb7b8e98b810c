"""GET /v1/instruments as programs meet it: a real node, its limits, and whatever somebody may write."""

import json
import urllib.error
import urllib.parse
import urllib.request

import pytest

from tests.streaming.conftest import make_token

pytestmark = pytest.mark.whole
TOKEN = make_token()


def ask(node, token=TOKEN, **query):
    url = f"{node.base}/v1/instruments?{urllib.parse.urlencode(query)}"
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_what_is_found_is_told_with_its_market_and_by_what(node):
    status, told = ask(node, q="gzmt", limit=1)

    assert status == 200
    assert told["results"] == [
        {
            "q": "gzmt",
            "ambiguous": False,
            "items": [
                {
                    "symbol": "600519.SH", "name_zh": "贵州茅台", "name_en": "Kweichow Moutai", "market": "CN",
                    "exchange": "SH", "board": "main", "kind": "stock", "currency": "CNY", "lot": 100,
                    "price_steps": [[0.0, 0.01]], "state": "trading", "sector": "制造业", "listed_on": "2001-08-27", "delisted_on": "",
                    "former_codes": [], "former_names": [], "matched": "initials",
                }
            ],
        }
    ]  # fmt: skip
    assert told["listed"] > 5_000


def test_a_list_is_answered_in_its_order(node):
    _, told = ask(node, q="600519，00700.HK、腾讯;\n430047", limit=1)

    assert [(one["q"], one["items"][0]["symbol"]) for one in told["results"]] == [
        ("600519", "600519.SH"), ("00700.HK", "00700.HK"), ("腾讯", "00700.HK"), ("430047", "920047.BJ"),
    ]  # fmt: skip


def test_a_market_alone_is_searched_and_a_shared_code_is_ambiguous(node):
    assert ask(node, q="000001")[1]["results"][0]["ambiguous"] is True
    assert {row["market"] for row in ask(node, q="中国", market="hk", limit=50)[1]["results"][0]["items"]} == {"HK"}


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ({}, 400, "bad_parameter"),
        ({"q": " ,;、\n"}, 400, "bad_parameter"),
        ({"q": "x", "market": "US"}, 400, "bad_parameter"),
        ({"q": "x", "limit": "many"}, 400, "bad_parameter"),
        ({"q": "x", "token": ""}, 401, "token_missing"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_its_reason(node, query, status, code):
    told = ask(node, **query)

    assert (told[0], told[1]["code"]) == (status, code)


@pytest.mark.parametrize(
    "asked",
    ["x" * 10_000, "\x00\x1b[31m贵州", ".*(?=[", "😀" * 100, "%", "' OR 1=1 --", "6," * 3_000, "\u202e", "ﷺ" * 64],
)
def test_whatever_is_written_is_answered_within_the_limits(node, asked):
    status, told = ask(node, q=asked, limit=1_000)

    assert status in (200, 400, 414)
    if status == 200:
        assert len(told["results"]) <= 50
        assert all(len(one["items"]) <= 100 and len(one["q"]) <= 64 for one in told["results"])
