"""What clients of other systems might say: hypothesis strategies for JSON near and far from every dialect."""

import json
from typing import Any

from hypothesis import strategies as st

_words = st.sampled_from(
    ["subscribe", "unsubscribe", "auth", "ping", "list", "snapshot", "700$HK", "00700.HK", "700.HK", "HSI", "600000$SH",
     "600000.SH", "000001", "700$HK,600000$SH", "EURUSD$GB", "quote", "tick", "depth", "kline@1", "kline@11", "kline",
     "quote,tick,depth,kline@1m", "trade", "ticker", "stock", "indices", "", ",", "\ud800", "x" * 70, "1m"]
)  # fmt: skip
_keys = st.sampled_from(
    ["ac", "params", "types", "action", "symbols", "intervals", "since", "epoch", "cmd", "data", "channel", "interval",
     "type", "universes", "cmd_id", "seq_id", "trace", "symbol_list", "code", "depth_level", "cancel_type", "id",
     "fill"]
)  # fmt: skip
_numbers = st.sampled_from([22000, 22002, 22004, 22006, 0, 1, 5, -1, 10**30, 1.5])
_leaves = _words | _numbers | st.none() | st.booleans() | st.text(max_size=8)
_anything = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_keys, inner, max_size=6), max_leaves=12
)
_symbols = st.lists(_words, max_size=6)


def _shape(always: dict[str, Any], **perhaps: Any) -> Any:
    return st.fixed_dictionaries(always, optional=perhaps)


_itick = _shape({"ac": _words}, params=_words | _anything, types=_words | _anything)
_tickdb = _shape(
    {"cmd": _words},
    data=_shape({}, channel=_words, symbols=_symbols | _anything, interval=_words, type=_words) | _anything,
)
_codes = st.lists(_shape({}, code=_words | _anything, depth_level=_numbers | _anything), max_size=4)
_alltick = _shape(
    {"cmd_id": _numbers},
    seq_id=_numbers | _anything, trace=_words | _anything,
    data=_shape({}, symbol_list=_codes | _anything, cancel_type=_numbers) | _anything,
)  # fmt: skip
_actions = _shape({"action": _words}, symbols=_symbols | _anything, id=_anything)
messages = (_itick | _tickdb | _alltick | _actions | st.dictionaries(_keys, _anything, max_size=8) | _anything).map(
    json.dumps
) | st.text(max_size=40)
