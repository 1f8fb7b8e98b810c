"""docs/protocol.md and the code say the same: every frame type, error code, reason and close code is described."""

import re
from pathlib import Path

from kernel.tokens import BadToken
from streaming import errors
from streaming.sockets import handshake
from streaming.wire import connection
from streaming.wire.dialect import Rules
from streaming.wire.dialects.native import messages

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "protocol.md").read_text()
_DESCRIPTIONS = ("describe", "addresses")
NATIVE = "".join(
    path.read_text() for path in Path(messages.__file__).parent.glob("*.py") if path.stem not in _DESCRIPTIONS
)
CONNECTION = Path(connection.__file__).read_text()


def test_every_frame_that_we_send_is_described():
    sent = set(re.findall(r'"type": "(\w+)"', NATIVE)) | set(re.findall(r'{{"type":"(\w+)"', NATIVE))
    assert sent >= {"welcome", "kline", "error", "slow_reader"}
    assert {kind for kind in sent if f'"type":"{kind}"' not in PAGE} == set()


def test_every_action_that_we_read_is_described():
    assert {action for action in messages.ACTIONS if f'"action":"{action}"' not in PAGE} == set()


def test_every_reason_and_close_code_is_described():
    reasons = set(re.findall(r'Rejection\([^,]+, "(\w+)"', CONNECTION))
    codes = {str(value) for name, value in vars(connection).items() if name.startswith("CLOSE_")}
    assert "quota_exceeded" in reasons
    assert {word for word in reasons | codes if f"`{word}`" not in PAGE and f"| {word} |" not in PAGE} == set()


def test_every_way_to_refuse_a_token_is_described():
    kinds, queue = {BadToken}, [BadToken]
    while queue:
        kinds |= set(found := queue.pop().__subclasses__())
        queue += found
    assert handshake.TokenInQuery in kinds
    assert {kind.code for kind in kinds if f"`{kind.code}`" not in PAGE} == set()


def test_the_limits_are_the_ones_of_the_code():
    from streaming.server.websocket import MAX_MESSAGE_BYTES

    assert f"{MAX_MESSAGE_BYTES:,} bytes" in PAGE
    assert f"{Rules().burst} at once, then {Rules().per_second:g} a second" in PAGE
    assert f"1 to {messages.MAX_SYMBOLS}" in PAGE
    assert errors.BinaryNotSupported.code in PAGE
