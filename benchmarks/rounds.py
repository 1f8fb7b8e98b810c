"""What is said in a run: 1,000 instruments, who follows which, tokens, and the bytes of a round for each server.

Every server gets the same bars: the frame's text is made once by the product's own dialect, and so are the packed
window and the names of the keys. The load generator only writes the next `seq` into them (benchmarks/loadgen/round.h).
"""

import json
import struct
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import jwt
import msgspec
import redis
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from kernel import keyspace, tokens
from kernel.scope import Scope, Step
from streaming.records.window import CHUNK_WINDOWS, MovedBar, Newest, Window, chunk_of, end_ms, pack, seq_of
from streaming.reference.instruments import directory
from streaming.wire.dialects.native.socket import Native

LANE, EPOCH, GROUP, ISSUER, KID = "CN", "bench", "local", "tickpack", "bench"
SYMBOLS = 1000
_TEN_DIGITS, _BIG_ENDIAN, _END_MS = 0, 1, 2  # round.h's patch_kind
_KEY = Ed25519PrivateKey.generate()
# The key of RFC 6455's example: the answer to it is known, and no server cares.
_UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13"
)


def first_seq() -> int:
    """Return the window of now, or soon: the first of a piece of the stream.

    Rounds count on from it, far faster than the clock when a server is saturated.
    """
    return (chunk_of(seq_of(int(time.time() * 1000))) + 1) * CHUNK_WINDOWS


def symbols(count: int = SYMBOLS) -> list[str]:
    """Return instruments of the mainland: those of the list, then well-formed others; all have nine characters."""
    listed = [one.symbol for one in directory().in_lane(LANE)]
    others = (f"{code}.SH" for code in range(605_000, 606_000) if f"{code}.SH" not in directory())
    return [*listed, *others][:count]


def follow_sets(connections: int, each: int, count: int = SYMBOLS) -> list[list[int]]:
    """Return which symbols each connection follows, by number: spread over all of them, and no two sets alike."""
    step = count // each
    return [sorted((i + k * step + (i * 7 + k * 3) % step) % count for k in range(each)) for i in range(connections)]


def bars(names: Sequence[str]) -> list[MovedBar]:
    """Return one bar an instrument, around its last price where the list knows one."""
    moved = []
    for at, symbol in enumerate(names):
        known = directory().get(symbol)
        price = (known.prev_close_e4 if known else 0) or 100_000 + at * 300
        low, high, volume = price - 100, price + 200, 1_000 + at * 37
        moved.append(MovedBar(symbol, price, high, low, price + 100, volume, price * volume))
    return moved


def frames(moved: Iterable[MovedBar], seq: int) -> list[bytes]:
    """Return the text of each bar as the product says it."""
    encode = Native(directory()).bar_encoder(seq)
    return [
        encode(bar.symbol, bar.open_e4, bar.high_e4, bar.low_e4, bar.close_e4, bar.volume, bar.turnover_e4).encode()
        for bar in moved
    ]


# -- rounds ------------------------------------------------------------------------------------------------------------


def _write_round(path: Path, whole: bytes, patches: list[tuple[int, int]]) -> None:
    table = b"".join(struct.pack("=II", offset, kind) for offset, kind in patches)
    path.write_bytes(struct.pack("=I", len(patches)) + table + whole)


def _everywhere(whole: bytes, needle: bytes, kind: int) -> list[tuple[int, int]]:
    found, at = [], whole.find(needle)
    while at >= 0:
        found.append((at, kind))
        at = whole.find(needle, at + len(needle))
    return found


def text_round(path: Path, names: Sequence[str], seq: int, wrap: Callable[[str, bytes], bytes]) -> None:
    """Write a round in which `wrap(symbol, frame)` tells a server of each bar."""
    texts = frames(bars(names), seq)
    whole = b"".join(wrap(symbol, text) for symbol, text in zip(names, texts, strict=True))
    patches = [(at + 6, kind) for at, kind in _everywhere(whole, b'"seq":%d' % seq, _TEN_DIGITS)]
    assert len(patches) == len(names)
    _write_round(path, whole, patches)


def stream_round(path: Path, names: Sequence[str], seq: int, *, keyframe: bool = False) -> None:
    """Write a round as ingest says it: one packed window, one XADD into the lane's stream.

    Args:
        keyframe: call every window one, so that those who resume may begin at any; each names every price anyway.
    """
    packed = pack(window(names, seq, keyframe=keyframe))
    key, entry = keyspace.stream(LANE, EPOCH).encode(), b"%d-0" % end_ms(seq)
    whole = resp(b"XADD", key, entry, b"w", packed)
    patches = [(whole.index(entry), _END_MS), (whole.index(b"\xce" + seq.to_bytes(4, "big")) + 1, _BIG_ENDIAN)]
    _write_round(path, whole, patches)


def window(names: Sequence[str], seq: int, *, keyframe: bool = False) -> Window:
    """Return a window in which every instrument moves."""
    return Window(seq, "open", None, "bench", 1, bars(names), keyframe=keyframe, events=0)


def resp(*words: bytes) -> bytes:
    """Return a command as Redis reads it."""
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def newest_rows(names: Sequence[str]) -> dict[str, bytes]:
    """Return the hash by which a node knows that it carries these instruments."""
    rows = {}
    for bar in bars(names):
        price = bar.open_e4
        rows[bar.symbol] = pack(
            Newest(0, price, price, price, price, 0, 0, "trading", price, "2026-03-09", 0, 0, 0, 0, 0)
        )
    return rows


# -- clients -----------------------------------------------------------------------------------------------------------


def jwks() -> str:
    """Return the public half of the key that signs our tokens."""
    entry = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(_KEY.public_key()))
    return json.dumps({"keys": [entry | {"kid": KID, "alg": "EdDSA", "use": "sig"}]})


def token(max_subs: int) -> str:
    """Return a token of a customer of its own: the books are kept by customer, and that costs what it costs."""
    now, customer = int(time.time()), uuid.uuid4().hex
    running = Step(now - 60, max_subs, 2, frozenset({"CN", "HK"}), frozenset({"L1"}))
    over = Step(now + 30 * 86_400, 0, 0, frozenset(), frozenset())
    return tokens.issue(
        scope=Scope(customer=customer, group=GROUP, rev=1, steps=(running, over)),
        jti=uuid.uuid4().hex, issuer=ISSUER, now_s=now, expires_at_s=now + 86_400, kid=KID, private_key=_KEY,
    )  # fmt: skip


def upgrade(port: int, path: str = "/", more: str = "") -> bytes:
    """Return the request that opens a socket; `more` is further header lines, each ending with CRLF."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{_UPGRADE}\r\n{more}\r\n".encode()


def subscribe(wanted: Iterable[str], **more: object) -> bytes:
    """Return the native dialect's message."""
    return json.dumps({"action": "subscribe", "symbols": list(wanted), **more}).encode()


def write_crew(path: Path, clients: Sequence[tuple[bytes, bytes]]) -> None:
    """Write each client's request and first message (benchmarks/loadgen/clients.h)."""
    rows = (struct.pack("=I", len(r)) + r + struct.pack("=I", len(f)) + f for r, f in clients)
    path.write_bytes(struct.pack("=I", len(clients)) + b"".join(rows))


def write_windows(client: redis.Redis, names: Sequence[str], seqs: Iterable[int]) -> None:
    """Write past windows into the lane's stream, as ingest has left them: a keyframe begins each piece."""
    key, plain = keyspace.stream(LANE, EPOCH), window(names, 0)
    prices = [(bar.symbol, bar.open_e4) for bar in plain.bars]
    pipe = client.pipeline(transaction=False)
    for seq in seqs:
        one = msgspec.structs.replace(plain, seq=seq)
        if seq % CHUNK_WINDOWS == 0:
            one = msgspec.structs.replace(one, references=prices, keyframe=True)
        pipe.xadd(key, {"w": pack(one)}, id=f"{end_ms(seq)}-0")
    pipe.execute()
