"""lanes.js and routes.js decide as lanes.py and routes.py do: hundreds of random stories are told to both."""

import random
from dataclasses import asdict
from typing import Any

import pytest

from streaming.client.events import Bar, Gap, Recovered
from streaming.client.lanes import Lanes, Send, SendLater
from streaming.client.routes import Routes, health_url, read_hint
from streaming.client.silence import Silence
from tests.journeys.test_tickpack_js import origin, tab  # noqa: F401  fixtures

pytestmark = pytest.mark.whole
SYMBOLS = ("600519.SH", "000001.SZ", "00700.HK", "TEST.CN")
DATA = {"open": 1, "high": 1, "low": 1, "close": 1, "volume": 1, "amount": 1, "timestamp": "t"}
LANES_IN_JS = """async (stories) => {
    const { Lanes } = await import("/streaming/lanes.js");
    return stories.map(({ options, steps }) => {
        const lanes = new Lanes(options);
        let later = null;
        return steps.map(([what, one]) => {
            if (what === "subscribe") { const { messages, gaps } = lanes.subscribe(one); return [messages, gaps, [...lanes.wanted]]; }
            if (what === "retry") return later ? [lanes.retry(later)] : [];
            if (what !== "take") return lanes[what](one);
            return lanes.take(one).map(([kind, value]) => {
                if (kind !== "later") return [kind, value];
                later = value;
                return [kind, value.symbols];
            });
        });
    });
}"""
SILENCE_IN_JS = """async (stories) => {
    const { Silence } = await import("/streaming/silence.js");
    return stories.map(([silent, due, steps]) => {
        const silence = new Silence(silent, due);
        return steps.map(([message, now]) => { silence.heard(message, now); return silence.limit(); });
    });
}"""
BASES_IN_JS = """async (urls) => {
    const { httpBase } = await import("/streaming/routes.js");
    return urls.map(httpBase);
}"""
ROUTES_IN_JS = """async (stories) => {
    const { Routes, readHint } = await import("/streaming/routes.js");
    return stories.map(({ urls, chances, steps }) => {
        let drawn = 0;
        const routes = new Routes(urls, { chance: () => chances[drawn++ % chances.length] });
        return steps.map(([what, ...one]) => {
            let wait = null;
            if (what === "failed") wait = routes.failed(one[0], readHint(one[1]));
            else if (what === "refused") wait = routes.refused(one[0]);
            else if (what === "prefer") routes.prefer(one[0]);
            else routes.welcomed();
            return [routes.url, wait];
        });
    });
}"""


def a_resume(chance: random.Random, names: list[str]) -> dict[str, Any]:
    told = {}
    for name in names:
        epoch, seq = chance.choice(["e1", "e1", "e1", "e2"]), chance.randint(0, 200)
        if chance.random() < 0.6:
            told[name] = {"recovered": True, "epoch": epoch, "since": seq}
        else:
            reason = chance.choice(["epoch_changed", "trimmed", "ahead", "no_stream", "store_unavailable"])
            first = chance.choice([None, seq + 5])
            told[name] = {"recovered": False, "epoch": epoch, "since": seq, "first": first, "reason": reason}
    return told


def a_message(chance: random.Random) -> dict[str, Any]:
    some = chance.sample(SYMBOLS, chance.randint(1, len(SYMBOLS)))
    lane = chance.choice(["CN", "HK", "TEST", "US"])
    kind = chance.choice(["kline"] * 8 + ["subscribed"] * 3 + ["resumed", "unsubscribed", "quota", "error", "welcome", "heartbeat", "status", "pong"])  # fmt: skip
    match kind:
        case "kline":
            bar = {"type": kind, "symbol": chance.choice(SYMBOLS), "seq": chance.randint(1, 200)}
            bar["data"] = DATA | {"timestamp": chance.choice(["09:30", "09:31", "09:32"])}
            return bar | chance.choice([{}, {}, {"interval": "1m"}, {"interval": "1.5s"}])
        case "subscribed":
            rejected = [{"symbol": chance.choice(["nonsense", *SYMBOLS])}] if chance.random() < 0.2 else []
            answer = {"type": kind, "current": sorted(some), "rejected": rejected}
            names = chance.sample(["CN", "HK", "TEST"], chance.randint(1, 3))
            return answer | ({"resume": a_resume(chance, names)} if chance.random() < 0.8 else {})
        case "resumed":
            return {"type": kind, "market": lane, "seq": chance.randint(1, 200)} | (
                {"recovered": False} if chance.random() < 0.4 else {}
            )
        case "unsubscribed":
            return {"type": kind, "removed": some}
        case "quota":
            return {"type": "quota_changed", "dropped": some[:1]}
        case "error":
            return {"type": kind, "code": chance.choice(["unavailable", "unsupported", "malformed"])}
        case "welcome" | "heartbeat":
            return (
                {"type": kind, "epoch": {lane: chance.choice(["e1", "e2"])}}
                if chance.random() < 0.8
                else {"type": kind}
            )
        case "status":
            return {"type": kind, "market": lane, "state": "open", "epoch": chance.choice(["e1", "e1", "e2"])}
    return {"type": kind}


def a_story(seed: int) -> dict[str, Any]:
    chance = random.Random(seed)
    options: dict[str, Any] = {"symbols": chance.sample(["nonsense", *SYMBOLS], 4)}
    if chance.random() < 0.3:
        options["intervals"] = ["1.5s", "1m"]
    if chance.random() < 0.3:
        options["fill"] = False
    if chance.random() < 0.4:
        options["since"] = chance.choice([100, "2026-03-09", {"CN": 50, "HK": 60}, {"CN": 50, "HK": "2026-03-09"}])
    steps: list[list[Any]] = [["subscribe", False]]
    for _ in range(60):
        what = chance.choice(["take"] * 20 + ["subscribe", "follow", "unfollow", "retry"])
        if what == "take":
            steps.append([what, a_message(chance)])
        elif what == "subscribe":
            steps.append([what, chance.random() < 0.1])
        else:
            steps.append([what, chance.sample(SYMBOLS, chance.randint(0, 2))])
    return {"options": options, "steps": steps}


def lanes_in_python(story: dict[str, Any]) -> list[Any]:
    lanes, later, told = Lanes(**story["options"]), None, []
    for what, one in story["steps"]:
        if what == "subscribe":
            messages, gaps = lanes.subscribe(away_too_long=one)
            told.append([messages, [asdict(gap) for gap in gaps], list(lanes.wanted)])
        elif what == "retry":
            told.append([lanes.retry(later)] if later else [])
        elif what == "take":
            rows: list[list[Any]] = []
            for outcome in lanes.take(one):
                match outcome:
                    case Bar():
                        rows.append(["bar", outcome.message])
                    case Gap():
                        rows.append(["gap", asdict(outcome)])
                    case Recovered():
                        rows.append(["recovered", asdict(outcome)])
                    case Send():
                        rows.append(["send", outcome.message])
                    case SendLater():
                        later = outcome.request
                        rows.append(["later", list(later.symbols)])
                    case _:
                        rows.append(["answer", outcome.message])
            told.append(rows)
        else:
            told.append(getattr(lanes, what)(one))
    return told


def test_the_place_in_the_stream_is_kept_alike(tab):  # noqa: F811
    stories = [a_story(seed) for seed in range(400)]
    in_js = tab.page.evaluate(LANES_IN_JS, stories)
    seen = set()
    for seed, (story, js) in enumerate(zip(stories, in_js, strict=True)):
        python = lanes_in_python(story)
        for step, mine, theirs in zip(story["steps"], python, js, strict=True):
            assert mine == theirs, (seed, step)
        seen |= {row[0] for rows in python for row in rows if isinstance(row, list) and row and isinstance(row[0], str)}
        seen |= {
            row[1]["reason"] for rows in python for row in rows if isinstance(row, list) and row and row[0] == "gap"
        }
    # The stories are worth something: every outcome and reason came up.
    assert seen >= {
        "bar", "answer", "gap", "recovered", "send", "later", "epoch_changed", "trimmed", "ahead", "no_stream",
        "clock_went_back", "unsupported", "unanswered",
    }  # fmt: skip


def test_addresses_are_chosen_alike(tab):  # noqa: F811
    known = [f"wss://{name}/ws/stock" for name in "abc"]
    reasons = [
        "", "draining", '{"retry_after":2}', '{"retry_after":0.5,"url":"wss://b/ws/stock"}', '{"retry_after":900}',
        '{"url":"ws://c/ws/stock"}', '{"url":"wss://new/ws/stock"}', '{"retry_after":"x"}', "[]", "null",
    ]  # fmt: skip
    stories = []
    for seed in range(500):
        chance = random.Random(seed)
        steps: list[list[Any]] = []
        now = 0.0
        refusals = 0
        for _ in range(30):
            now += chance.choice([0.1, 1, 30])
            what = chance.choice(["failed"] * 6 + ["welcomed", "prefer", "refused"])
            if what == "refused":
                refusals += 1
                if refusals > 2:
                    continue
            steps.append({
                "failed": [what, now, chance.choice(reasons)], "refused": [what, now], "prefer": [what, chance.choice(known)],
            }.get(what, [what]))  # fmt: skip
        steps = [step for step in steps if step[0] != "prefer" or steps.index(step) == 0]
        stories.append({"urls": known, "chances": [chance.random() for _ in range(40)], "steps": steps})
    in_js = tab.page.evaluate(ROUTES_IN_JS, stories)
    for seed, (story, js) in enumerate(zip(stories, in_js, strict=True)):
        drawn = iter(story["chances"])
        routes = Routes(story["urls"], lambda drawn=drawn: next(drawn))
        for (what, *one), (url, wait) in zip(story["steps"], js, strict=True):
            mine: float | None = None
            if what == "failed":
                retry_after_s, hint = read_hint(one[1])
                mine = routes.failed(one[0], retry_after_s=retry_after_s, hint=hint)
            elif what == "refused":
                mine = routes.refused("no", one[0])
            elif what == "prefer":
                routes.prefer([one[0]])
            else:
                routes.welcomed()
            assert (routes.url, mine) == (url, pytest.approx(wait) if wait is not None else None), (seed, what, one)


def test_both_ask_a_nodes_health_at_the_same_address_below_a_path_too(tab):  # noqa: F811
    urls = [
        f"{host}{path}/ws/stock"
        for host in ("wss://a.example", "ws://127.0.0.1:8000", "ws://[::1]:8000")
        for path in ("", "/n1", "/eu/n1")
    ]
    urls.append("wss://a.example/elsewhere")

    assert [f"{base}/healthz" for base in tab.page.evaluate(BASES_IN_JS, urls)] == [health_url(url) for url in urls]


def a_told_message(chance: random.Random) -> dict[str, Any]:
    symbol, market = chance.choice(SYMBOLS), chance.choice(["CN", "HK"])
    states = ["open", "open", "lunch_break", "no_feed"]
    bar = {"type": "kline", "symbol": symbol, "seq": chance.randint(1, 9), "data": DATA}
    return chance.choice([
        bar, bar, bar, bar | {"interval": "1m"},
        {"type": "welcome", "markets": {market: {"state": chance.choice(states)}}},
        {"type": "status", "market": market, "state": chance.choice(states)},
        {"type": "status", "symbol": symbol, "state": chance.choice(["trading", "halted"])},
        {"type": "unsubscribed", "current": chance.sample(SYMBOLS, 2)},
        {"type": "heartbeat"},
    ])  # fmt: skip


def test_silence_is_judged_alike(tab):  # noqa: F811
    chance, stories = random.Random(5), []
    for _ in range(200):
        now, steps = 0.0, []
        for _ in range(chance.randint(1, 40)):
            now += chance.choice([0, 0.5, 1.5, 1.5, 6])
            steps.append([a_told_message(chance), now])
        stories.append([chance.choice([40, 3]), chance.random() < 0.9, steps])

    told = tab.page.evaluate(SILENCE_IN_JS, stories)

    decided = []
    for silent, due, steps in stories:
        silence, limits = Silence(silent, bars_due=due), []
        for message, now in steps:
            silence.heard(message, now)
            limits.append(silence.limit_s())
        decided.append(limits)
    assert told == decided
    assert {limit for limits in decided for limit in limits} == {40, 10, 3}
