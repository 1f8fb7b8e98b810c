"""What a client might say: hypothesis strategies for texts near and far from the native dialect, and for raw frames."""

import json
import struct
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from benchmarks.soak.frames import BINARY, CLOSE, CONT, PING, PONG, TEXT
from benchmarks.soak.rfc6455 import LIMIT, Sent

T = TypeVar("T")
SYMBOLS = ["600000.SH", "600001.SH", "600002.SH", "0700.HK", "00700.HK", "TEST.CN", "HSI", "430047.BJ", "", " ", "A.B",
           "600000.sh", "\u516d", "\ud800", "600000.SH\0"]  # fmt: skip
_leaf = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from([2**53, -1, 2**63, 10**400, 1181986801, "NaN", "", "CN", "2026-03-08T06:30:01.500Z"])
)  # fmt: skip
anything = st.recursive(
    _leaf, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
symbols = st.lists(st.sampled_from(SYMBOLS) | st.text(max_size=12), max_size=6)
lanes = st.dictionaries(st.sampled_from(["CN", "HK", "TEST", "US"]), _leaf, max_size=3)
_plausible: dict[str, st.SearchStrategy[Any]] = {
    "symbols": symbols,
    "types": st.lists(st.sampled_from(["kline", "quote", "tick", "depth", "news"]), max_size=4),
    "intervals": st.lists(st.sampled_from(["1.5s", "1m", "5m", "1h", "1d", "2d"]), max_size=4),
    "since": st.integers(0, 2**54) | lanes | st.sampled_from(["2026-03-08T06:30:01.500Z", "yesterday", ""]),
    "epoch": st.dictionaries(st.sampled_from(["CN", "HK", "TEST"]), st.sampled_from(["soak", "other"]), max_size=3),
    "fill": st.booleans(),
    "stamp": st.booleans(),
    "id": st.text(max_size=70) | st.integers(),
}
_actions = st.sampled_from(["subscribe", "subscribe", "unsubscribe", "list", "snapshot", "ping"])
requests = st.fixed_dictionaries(
    {"action": _actions}, optional={name: strategy | anything for name, strategy in _plausible.items()}
)
good_requests = st.fixed_dictionaries({"action": _actions}, optional=_plausible)
_json = (good_requests | requests | st.dictionaries(st.text(max_size=8), anything, max_size=4) | anything).map(
    lambda said: json.dumps(said).encode()
)


def _spoiled(said: tuple[bytes, int, bytes]) -> bytes:
    text, at, put = said
    at %= len(text) + 1
    return text[:at] + put.decode("latin-1").encode() + text[at + len(put) :]


_ugly = st.sampled_from([
    b"", b" ", b"null", b"[" * 100_000, b'{"a":' * 20_000, b'"' + b"x" * (LIMIT - 2) + b'"', b"1" * 5000, b"-",
    b"1e999999", b'{"action":"ping","action":"list"}',
    b'{"action":"subscribe","symbols":["\\ud800"]}', b"\xef\xbb\xbf{}", b"\0",
    b'{"action":"subscribe","symbols":[' + b'"600000.SH",' * 499 + b'"X"]}',
    b'{"action":"subscribe","symbols":[' + b'"600000.SH",' * 500 + b'"X"]}',
])  # fmt: skip
texts = (
    _json | _json | st.tuples(_json, st.integers(0, 500), st.binary(min_size=1, max_size=3)).map(_spoiled)
    | st.text(max_size=200).map(str.encode) | _ugly
)  # fmt: skip
# (opcode, payload) of a message that is whole and allowed: every one is answered.
whole = texts.map(lambda text: (TEXT, text)) | st.binary(max_size=300).map(lambda body: (BINARY, body))

_bodies = (
    st.binary(max_size=140) | st.sampled_from([b"", b"{}", b'{"action":"ping"}', b"\xff", b"\xed\xa0\x80", b"\xc3"])
)  # fmt: skip
_closes = st.one_of(
    st.just(b""), st.binary(min_size=1, max_size=4),
    st.tuples(st.integers(0, 65_535) | st.sampled_from([1000, 1001, 1005, 1006, 1015, 2999, 3000, 4999, 5000]), _bodies)
    .map(lambda said: struct.pack("!H", said[0]) + said[1][:123]),
)  # fmt: skip
_usual = st.builds(Sent, st.sampled_from([TEXT, BINARY, CONT, PING, PONG]), _bodies, fin=st.booleans())
_odd = st.builds(
    Sent, st.integers(0, 15), _bodies, fin=st.booleans(), rsv=st.integers(0, 7), masked=st.booleans(),
    form=st.sampled_from([0, 126, 127]),
)  # fmt: skip
_large = st.builds(
    Sent, st.sampled_from([TEXT, BINARY, PING]), st.just(b"x" * 10),
    length=st.sampled_from([LIMIT + 1, 65_536 * 3, 2**31, 2**32, 2**63 - 1, 2**63, 2**64 - 1]),
)  # fmt: skip
frames = st.lists(
    st.one_of(_usual, _usual, _usual, st.builds(Sent, st.just(CLOSE), _closes), _odd, _large), min_size=1, max_size=8
)


def examples(strategy: st.SearchStrategy[T], count: int, number: int) -> list[T]:
    """Return examples of a strategy, the same ones for the same number."""
    found: list[T] = []

    @seed(number)
    @settings(max_examples=count, database=None, deadline=None, phases=[Phase.generate],
              suppress_health_check=list(HealthCheck))  # fmt: skip
    @given(strategy)
    def keep(example: T) -> None:
        found.append(example)

    keep()
    return found
