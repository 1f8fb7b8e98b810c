"""The AsyncAPI document is one, has every socket, and every message fits it: those of the golden conversations, those
that a dialect can write, and (in tests/streaming/test_conversations.py and here) those that a running server sends.
"""

import json
import re
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator
from websockets.sync.client import connect

from kernel.errors import PlatformError
from streaming.api.documents import asyncapi_document
from streaming.runtime.dialects import dialects
from streaming.wire.describe import descriptions
from tests.streaming.conftest import make_token
from tests.streaming.documents.judging import OfSamples, meant, undocumented, written_out
from tests.streaming.documents.texts import every_text
from tests.streaming.test_conversations import Market

HERE = Path(__file__).resolve().parent
TALKS = sorted(HERE.parents[1].glob("samples/*/*.talk"))
SOCKETS = {name: told.socket for name, told in descriptions().items() if told.socket is not None}


def test_the_document_is_asyncapi_3():
    judge = Draft7Validator(json.loads((HERE / "asyncapi-3.0.0.json").read_text()))

    assert [error.message for error in judge.iter_errors(asyncapi_document())] == []


def test_every_reference_leads_somewhere():
    document = asyncapi_document()
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)))

    assert len(references) > 100
    for reference in references:
        at = document
        for name in reference.split("/"):
            at = at[name]


def test_every_dialect_and_every_path_of_it_is_described():
    assert set(SOCKETS) == set(dialects())
    addresses = {channel["address"] for channel in asyncapi_document()["channels"].values()}
    assert addresses == {f"/{path}" for dialect in dialects().values() for path in dialect.paths}


@pytest.mark.parametrize("name", SOCKETS)
def test_every_schema_is_one_and_its_example_fits_it_alone(name):
    for side in (SOCKETS[name].says, SOCKETS[name].hears):
        for one in side:
            Draft202012Validator.check_schema(one.payload)
            assert meant(side, one.example) == [one.name]


@pytest.mark.parametrize("name", SOCKETS)
def test_a_server_understands_every_example(name):
    for one in SOCKETS[name].says:
        dialects()[name].parse(json.dumps(one.example), "")


def _lines(talk: Path, sign: str) -> list[str]:
    return [line[2:] for line in talk.read_text().splitlines() if line.startswith(f"{sign} ")]


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: f"{talk.parent.name}/{talk.stem}")
def test_what_clients_say_in_a_conversation_is_described_where_the_server_reads_it_and_only_there(talk):
    name = talk.parent.name
    for line in _lines(talk, "C"):
        try:
            said = json.loads(line)
        except ValueError:
            continue  # no schema has an opinion
        try:
            dialects()[name].parse(line, "")
            read = True
        except PlatformError:
            read = False
        assert bool(meant(SOCKETS[name].says, said)) is read, line


@pytest.mark.parametrize("talk", TALKS, ids=lambda talk: f"{talk.parent.name}/{talk.stem}")
def test_what_servers_say_in_a_conversation_is_described(talk):
    for line in _lines(talk, "S"):
        assert meant(SOCKETS[talk.parent.name].hears, written_out(json.loads(line)), OfSamples), line


@pytest.mark.parametrize("name", SOCKETS)
def test_every_text_that_a_dialect_can_write_is_described(name):
    texts = every_text(dialects()[name])

    assert undocumented(name, [json.loads(text) for text in texts]) == []
    heard = {found for text in texts for found in meant(SOCKETS[name].hears, json.loads(text))}
    assert {one.name for one in SOCKETS[name].hears} == heard  # and nothing is described that is never said


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 30_000) | st.sampled_from(["", "700.HK", "quote", "kline", "1m"]),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.parametrize("name", SOCKETS)
@given(data=st.data())
def test_what_is_described_is_read(name, data):
    """Change one field of an example: where the schema still agrees, the server reads it."""
    one = data.draw(st.sampled_from(SOCKETS[name].says))
    said = json.loads(json.dumps(one.example))
    at = said
    while True:
        key = data.draw(st.sampled_from(sorted(at)))
        if not isinstance(at[key], dict) or not at[key] or data.draw(st.booleans()):
            break
        at = at[key]
    at[key] = data.draw(_VALUES)
    if meant(SOCKETS[name].says, said):
        dialects()[name].parse(json.dumps(said), "")


@pytest.mark.whole
def test_everything_that_a_node_says_in_its_own_language_is_described(node, store, cn, hk):
    market = Market(store, cn, hk)
    with connect(node.url, additional_headers={"Authorization": f"Bearer {make_token()}"}) as socket:
        heard = [json.loads(socket.recv(timeout=30))]

        def ask(answer: str, **message) -> None:
            """Send a message and hear everything up to its answer."""
            socket.send(json.dumps(message))
            hear(lambda one: one["type"] == answer)

        def hear(last) -> None:
            while True:
                heard.append(json.loads(socket.recv(timeout=10)))
                if last(heard[-1]):
                    return

        symbols = ["600519.SH", "00700.HK", "nonsense", "TEST.CN"]
        seq = cn.write()
        ask(
            "subscribed",
            action="subscribe",
            symbols=symbols,
            types=["kline", "quote", "tick", "depth"],
            intervals=["1.5s", "1m"],
            stamp=True,
        )
        ask(
            "subscribed",
            action="subscribe",
            symbols=symbols[:2],
            since={"CN": seq - 1, "HK": 1},
            epoch={"CN": "test", "HK": "another"},
        )
        market.move("tick", "00700.HK", "461.4", "200", "B")
        market.move("book", "600519.SH", "1854.98", "1845.76", "1854.9", "1855.0")
        market.move("bar", "600519.SH", "1854", "1855", "1853", "1854.5", "300", "556350")
        cn.write(states=[("600519.SH", "halted")])
        moved = {"bar", "longer_bar", "tick", "quote", "depth", "resumed", "instrument_status"}
        hear(lambda one: moved <= {name for said in heard for name in meant(SOCKETS["native"].hears, said)})
        ask("list", action="list")
        ask("snapshot", action="snapshot")
        ask("pong", action="ping", id=7)
        ask("error", action="dance")
        ask("unsubscribed", action="unsubscribe", symbols=["600519.SH", "000001.SZ"])

    assert undocumented("native", heard) == []
    said = {name for one in heard for name in meant(SOCKETS["native"].hears, one)}
    rarely = {"announcement", "heartbeat", "quota_changed", "expiring", "slow_reader", "market_status"}
    assert said >= {one.name for one in SOCKETS["native"].hears} - rarely


@pytest.mark.whole
def test_a_node_serves_the_document(node):
    got = httpx.get(f"{node.base}/asyncapi.json")

    assert got.json() == json.loads(json.dumps(asyncapi_document()))
    assert got.headers["access-control-allow-origin"] == "*"
