"""The live page's pure modules, in a real Chromium: prices, colours, orders, studies, keys, ends, tokens."""

import itertools

import pytest

from streaming.domain import E4
from streaming.domain.instruments import TICK_TABLES
from tests.journeys.test_tickpack_js import origin, tab  # noqa: F401  fixtures

pytestmark = pytest.mark.whole


@pytest.fixture
def ask(tab):  # noqa: F811
    """Call a function of a module: ask("numbers.decimalsOf", 0.01)."""

    def call(what: str, *arguments):
        module, name = what.split(".")
        return tab.page.evaluate(
            "async ([module, name, given]) => (await import(`/${module}.js`))[name](...given)",
            [module if "/" in module else f"terminal/{module}", name, list(arguments)],
        )

    return call


@pytest.mark.parametrize(("step", "decimals"), [(0.01, 2), (0.001, 3), (0.005, 3), (0.2, 1), (0.5, 1), (1, 0), (0.05, 2)])  # fmt: skip
def test_a_price_has_the_decimals_of_its_step(ask, step, decimals):
    assert ask("numbers.decimalsOf", step) == decimals


@pytest.mark.parametrize("table", TICK_TABLES)
def test_two_neighbouring_prices_are_never_written_alike(ask, table):
    steps = [[begins / E4, step / E4] for begins, step in TICK_TABLES[table]]
    for begins, step in steps:
        prices = [begins + step * nth for nth in range(1, 6)]
        decimals = ask("numbers.decimalsAt", steps, prices[0])
        written = [ask("numbers.price", price, decimals) for price in prices]
        assert len(set(written)) == 5, (table, begins)


def test_the_step_is_that_of_the_price(ask):
    steps = [[begins / E4, step / E4] for begins, step in TICK_TABLES["hkex"]]

    assert [ask("numbers.stepAt", steps, price) for price in (0.2, 0.3, 8, 385.4, 600)] == [
        0.001,
        0.005,
        0.01,
        0.2,
        0.5,
    ]


def test_a_change_is_against_the_previous_close_and_not_the_bar_before(ask):
    assert ask("quotes.changeOf", {"last": 11, "prev": 10}) == [1, pytest.approx(10)]
    assert ask("quotes.changeOf", {"last": 11}) == [None, None]
    assert [ask("quotes.moodOf", value, 10) for value in (11, 9, 10, 0)] == ["up", "down", "", ""]


def test_a_limit_is_marked_where_it_is_told_alone(ask):
    told = {"last": 11, "limitUp": 11, "limitDown": 9}

    assert ask("quotes.limitOf", told) == "up"
    assert ask("quotes.limitOf", told | {"last": 9}) == "down"
    assert ask("quotes.limitOf", told | {"last": 10}) == ""
    assert ask("quotes.limitOf", {"last": 11, "limitUp": None, "limitDown": None}) == ""


def test_what_has_no_value_comes_last_both_ways(ask):
    rows = [{"symbol": "A", "last": 2}, {"symbol": "B", "last": None}, {"symbol": "C", "last": 1}]

    assert [one["symbol"] for one in ask("quotes.sorted", rows, "last", True)] == ["C", "A", "B"]
    assert [one["symbol"] for one in ask("quotes.sorted", rows, "last", False)] == ["A", "C", "B"]


def a_bar(time, close, volume=100, amount=None):
    return {
        "time": time,
        "open": close,
        "high": close,
        "low": close,
        "close": close,
        "volume": volume,
        "amount": amount,
    }


def test_a_moving_average_begins_with_its_first_whole_window(ask):
    bars = [a_bar(nth, close) for nth, close in enumerate([1, 2, 3, 4])]

    assert ask("studies.movingAverage", bars, 3) == [{"time": 2, "value": 2}, {"time": 3, "value": 3}]
    assert ask("studies.meanAt", bars, 3, 3) == 3
    assert ask("studies.meanAt", bars, 3, 1) is None


def test_a_bar_without_a_move_has_the_colour_of_the_move_that_led_to_it(ask):
    moves = [(10, 10), (10, 11), (11, 11), (9, 9), (9, 9), (8, 9), (12, 10)]
    bars = [{"time": nth, "open": opened, "close": closed} for nth, (opened, closed) in enumerate(moves)]

    assert [bar["mood"] for bar in ask("studies.mood", bars)] == [0, 1, 1, -1, -1, 1, -1]
    assert [bar.get("mood") for bar in ask("studies.mood", bars, 5)] == [None] * 5 + [1, -1]


def test_a_name_of_two_shares_asks_which_one_is_meant(ask):
    def item(symbol: str, name: str, matched: str = "name") -> dict:
        return {"symbol": symbol, "name_zh": name, "matched": matched}

    results = [
        {"q": "招商银行", "ambiguous": False, "items": [item("600036.SH", "招商银行"), item("03968.HK", "招商银行")]},
        {"q": "600519", "ambiguous": False, "items": [item("600519.SH", "贵州茅台", "code")]},
        {"q": "平安", "ambiguous": False, "items": [item("601318.SH", "中国平安"), item("000001.SZ", "平安银行")]},
    ]
    read = ask("search.readResults", results)

    assert [one["q"] for one in read["open"]] == ["招商银行"]
    assert [one["symbol"] for one in read["sure"]] == ["600519.SH", "601318.SH"]


def test_the_average_price_weighs_volumes_and_begins_anew_each_day(tab):  # noqa: F811
    day = 86_400
    bars = [a_bar(0, 10, 100, 1000), a_bar(60, 20, 300, 6000), a_bar(60, 20, 100, 2000), a_bar(day, 5, 10, 50)]

    told = tab.page.evaluate(
        """async (bars) => {
            const { Vwap } = await import("/terminal/studies.js"), vwap = new Vwap();
            return bars.map((bar) => vwap.take(bar));
        }""",
        bars,
    )

    assert told == [10, 17.5, 15, 5]  # the third is the second once more: 3,000 for 200


def test_a_day_and_a_lunch_break_are_marked_and_a_quiet_minute_is_not(ask):
    def at(hour, minute, day=0):
        return a_bar((hour - 8) * 3600 + minute * 60 + day * 86_400, 1)

    bars = [at(11, 28), at(11, 29), at(13, 0), at(13, 2), at(14, 59), at(9, 30, day=1)]

    found = ask("studies.breaksOf", bars, 60)

    assert [(one["time"], one["day"]) for one in found] == [
        (bars[2]["time"], False), (bars[4]["time"], False), (bars[5]["time"], True),
    ]  # fmt: skip


def test_parts_of_a_row_are_joined_without_gap_or_double(ask):
    history, window, live = ([a_bar(time, time) for time in times] for times in ((1, 2, 3), (3, 4, 5), (5, 6)))

    for order in itertools.permutations([history, window, live]):
        assert [one["time"] for one in ask("streaming/charts.joined", 5, *order)] == [2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("event", "meaning"),
    [
        ({"key": "/"}, "search"), ({"key": "?", "shiftKey": True}, "help"), ({"key": "1"}, "1"), ({"key": "0"}, None),
        ({"key": "f"}, "full"), ({"key": "f", "ctrlKey": True}, None), ({"key": "ArrowUp", "altKey": True}, "raise"),
        ({"key": "Delete"}, "remove"), ({"key": "Enter"}, "open"), ({"key": "x"}, None),
    ],
)  # fmt: skip
def test_a_key_means_one_thing(ask, event, meaning):
    assert ask("keys.meaningOf", event) == meaning


def test_each_end_has_its_own_sentence_and_button(ask):
    ends = [
        {"why": "subscription_expired"}, {"why": "token_revoked"}, {"why": "customer_deactivated"},
        {"why": "permission_denied"}, {"why": "too_many_viewers"}, {"code": 4409}, {"code": 401},
    ]  # fmt: skip
    told = [ask("notices.endOf", end) for end in ends]

    assert len({sentence for sentence, _ in told}) == len(ends)
    assert dict(told)["ended_expired"] == "renew"
    assert ask("notices.endOf", {"why": "no_entitlement"}) == ["ended_expired", "renew"]


def test_an_end_is_told_in_its_own_unit(ask):
    assert [ask("numbers.spanOf", seconds) for seconds in (86_400, 3600, 60)] == [
        [24, "hours"], [60, "minutes"], [60, "seconds"],
    ]  # fmt: skip


TOKENS = """async (answers) => {
    const { tokens } = await import("/terminal/feed.js");
    let now = 0;
    const asked = [], get = async (address) => { asked.push(address); const one = answers.shift(); return { type: "basic", ok: one.status === 200, status: one.status, json: async () => one }; };
    const next = tokens("first", "/viewer/token", { now: () => now, get }), told = [];
    told.push(await next({}));
    told.push(await next({ refused: true }));
    now = 12 * 3600_000;
    try { told.push(await next({})); } catch (error) { told.push([error.final, error.why]); }
    return [told, asked.length];
}"""


def test_a_pages_token_is_asked_for_anew_when_it_was_refused_or_is_old(tab):  # noqa: F811
    answers = [{"status": 200, "token": "second"}, {"status": 200, "token": "third"}]
    assert tab.page.evaluate(TOKENS, answers) == [["first", "second", "third"], 2]


def test_who_is_logged_out_gets_an_end_and_who_asks_a_busy_panel_asks_again(tab):  # noqa: F811
    answers = [{"status": 200, "token": "second"}, {"status": 403, "code": "permission_denied"}]
    assert tab.page.evaluate(TOKENS, answers)[0][-1] == [True, "permission_denied"]
    answers = [{"status": 200, "token": "second"}, {"status": 503, "code": "unavailable"}]
    assert tab.page.evaluate(TOKENS, answers)[0][-1] == [False, "unavailable"]


def test_the_average_of_a_day_that_began_before_the_chart_says_since_when(tab):  # noqa: F811
    since = tab.page.evaluate(
        """async () => {
            const { Vwap } = await import("/terminal/studies.js"), vwap = new Vwap();
            const bar = (time) => ({ time, open: 10, high: 10, low: 10, close: 10, volume: 100, amount: 1000 });
            return [1773106260, 1773106320, 1773106320 + 86400].map((time) => { vwap.take(bar(time)); return vwap.partial; });
        }"""
    )

    assert since == [1773106260, 1773106260, None]  # the next day is whole


@pytest.mark.parametrize(
    ("pane", "said"),
    [
        ({"symbol": None}, ["chart_choose", "choose"]),
        ({"stands": "loading"}, ["chart_loading", ""]),
        ({"bars": 3, "stands": ""}, ["", ""]),
        ({"bars": 3, "stands": "failed"}, ["", ""]),
        ({"following": "rejected", "reason": "quota_exceeded"}, ["reason_quota_exceeded", ""]),
        ({"following": "taken"}, ["row_taken_chart", ""]),
        ({}, ["chart_no_minutes", "finer"]),
        ({"stands": "failed"}, ["chart_failed", "finer"]),
        ({"interval": "1.5s"}, ["chart_empty", ""]),
        ({"interval": "1d"}, ["chart_empty", ""]),
    ],
)
def test_an_empty_chart_says_why_and_what_helps(ask, pane, said):
    empty = {"symbol": "600519.SH", "interval": "1m", "stands": "empty", "following": "followed", "bars": 0}

    assert ask("emptiness.emptinessOf", empty | pane) == said


def test_the_last_row_without_a_chart_gives_way_and_what_takes_no_room_never(ask):
    rows = [
        {"symbol": symbol, "following": following}
        for symbol, following in (
            ("600519.SH", "followed"), ("00700.HK", "followed"), ("601398.SH", "rejected"), ("TEST.CN", "followed"),
        )
    ]  # fmt: skip

    assert ask("room.givesWay", rows, ["600519.SH"]) == "00700.HK"
    assert ask("room.givesWay", rows, ["00700.HK"]) == "600519.SH"
    assert ask("room.givesWay", rows, ["00700.HK", "600519.SH"]) == "00700.HK"
    assert ask("room.givesWay", rows[2:], []) is None
    assert ask("room.exchanged", ["A", "B", "C"], "C", "A") == ["C", "B", "A"]
