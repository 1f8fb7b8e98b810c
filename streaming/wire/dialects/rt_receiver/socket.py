"""rt-receiver's WebSocket, /ws: quotes as `tick`, symbols with their exchange, texts in Chinese.

A socket begins with the symbols that its customer has stored; what it subscribes and unsubscribes is stored too.
Where its answers name the time or the customer, `said` writes them: a dialect knows neither.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from kernel.errors import Malformed, PlatformError
from kernel.instruments import InstrumentId
from streaming.domain.calendar import exchange_day
from streaming.domain.ticks import Snapshot
from streaming.domain.windows import end_ms
from streaming.records.window import Book, Newest
from streaming.wire.channels import Channel
from streaming.wire.dialect import AuthPlacement, Dialect, Rules
from streaming.wire.dialects.numbers import amount, percent
from streaming.wire.dialects.rt_receiver import rest
from streaming.wire.dialects.rt_receiver.rows import named, row
from streaming.wire.dialects.rt_receiver.symbols import read
from streaming.wire.requests import (
    STORED,
    List,
    Rejection,
    Request,
    SnapshotRequest,
    Subscribe,
    Subscribed,
    Unsubscribe,
    Unsubscribed,
    Welcome,
)
from streaming.wire.texts import PRICES, iso

_MOST = 2000  # symbols in one message: their 64 KB
_KINDS = ("quote",)
# The ends of answers that name the time and the customer. A client's own text has its quotes escaped.
_NOW, _NOBODY = ',"timestamp":"0000-00-00T00:00:00.000Z"}', ',"user_id":""'
_NAME = ',"name":'
WELCOME = {
    "type": "welcome",
    "message": "实时行情 WebSocket 已连接",
    "instructions": {
        "subscribe": '发送 {"action":"subscribe","symbols":["00700.HK"]} 订阅',
        "unsubscribe": '发送 {"action":"unsubscribe","symbols":["00700.HK"]} 取消订阅',
        "snapshot": '发送 {"action":"snapshot"} 获取当前所有最新行情',
        "list": '发送 {"action":"list"} 查看当前订阅列表',
    },
}


def _text(message: Mapping[str, Any], *, user: bool = False) -> str:
    body = json.dumps(message, separators=(",", ":"))[:-1]
    return body + (_NOBODY if user else "") + _NOW


def _sorted(instruments: Iterable[InstrumentId]) -> list[str]:
    return sorted(str(one) for one in instruments)


class RtReceiver(Dialect):
    """See the module."""

    name = "rt_receiver"
    paths: ClassVar = {"ws": ""}
    auth = AuthPlacement(query=("token",), any_origin=False)
    rules = Rules(stores_symbols=True)

    # -- what a client says ----------------------------------------------------------------------------------------

    def parse(self, text: str, via: str = "") -> Request:
        """Read one message.

        Raises:
            Malformed: no JSON, no action of theirs, no symbols; the message is their text.
        """
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise Malformed("无效 JSON 格式") from None
        if not isinstance(message, dict):
            raise Malformed("无效 JSON 格式")
        asked = message.get("action")
        action = asked.strip().lower() if isinstance(asked, str) else ""
        if action == "subscribe":
            return Subscribe(_symbols(message), kinds=_KINDS)
        if action == "unsubscribe":
            return Unsubscribe(_symbols(message))
        if action == "snapshot":
            return SnapshotRequest()
        if action == "list":
            return List()
        raise Malformed(f"未知 action: {action[:64]}，支持 subscribe/unsubscribe/snapshot/list")

    def resolve(self, text: str, via: str = "") -> InstrumentId:
        return read(text, self.directory)

    def restored(self, symbols: Sequence[str]) -> Subscribe:
        return Subscribe(tuple(symbols), kinds=_KINDS, ref=STORED)

    # -- answers ---------------------------------------------------------------------------------------------------

    def said(self, text: str, *, customer: str, now_ms: int) -> str:
        if not text.endswith(_NOW):
            return text
        body, whose = text.removesuffix(_NOW), ""
        if body.endswith(_NOBODY):
            body, whose = body.removesuffix(_NOBODY), f',"user_id":{json.dumps(customer)}'
        return f'{body}{whose},"timestamp":"{iso(now_ms)}"}}'

    def refusal(self, error: PlatformError) -> dict[str, Any]:
        return rest.refusal(error)[1]

    def welcome(self, told: Welcome) -> str:
        return _text(WELCOME, user=True)

    def subscribed(self, told: Subscribed) -> str:
        left_out = {"rejected_symbols": rest.rejections(told.rejected)} if told.rejected else {}
        names = [str(one) for one in told.added]
        if told.request.ref == STORED:
            said = {"type": "auto_subscribed", "message": "已自动加载服务端已登记的订阅", "symbols": names}
        else:
            stored = told.request.ref or "skipped"
            current = _sorted(told.current)
            said = {"type": "subscribed", "added": names, "current": current, "server_sync": stored}
        return _text({**said, **left_out})

    def unsubscribed(self, told: Unsubscribed) -> str:
        left_out = {"rejected_symbols": rest.rejections(told.rejected)} if told.rejected else {}
        names, stored = [str(one) for one in told.removed], told.request.ref or "skipped"
        if stored == STORED:
            stored = "ok"  # it follows what was stored over REST
        said = {"type": "unsubscribed", "removed": names, "current": _sorted(told.current), "server_sync": stored}
        return _text({**said, **left_out})

    def listing(self, *, request: List, current: Iterable[InstrumentId], used: int, max_subs: int) -> str:
        return _text({"type": "subscription_list", "symbols": _sorted(current)}, user=True)

    def snapshot(
        self,
        *,
        request: SnapshotRequest,
        newest: Sequence[tuple[InstrumentId, Newest]],
        pictures: Mapping[InstrumentId, Snapshot],
        rejected: Sequence[Rejection],
    ) -> str:
        seen = [pictures.get(instrument) or _picture(instrument, bar) for instrument, bar in newest]
        data = [row(one, self.directory, best=False) for one in seen]
        return _text({"type": "snapshot", "count": len(data), "data": data})

    def error(self, error: PlatformError, ref: object = None) -> str:
        return json.dumps({"type": "error", "message": error.message}, separators=(",", ":"))

    def quota_changed(self, *, max_subs: int, used: int, dropped: Mapping[InstrumentId, str]) -> str:
        gone = _sorted(dropped)
        told = {"type": "error", "message": f"订阅额度现为 {max_subs}，已移除 {', '.join(gone)}"}
        return json.dumps(told, separators=(",", ":")) if gone else ""

    # -- market data -----------------------------------------------------------------------------------------------

    def shown(self, channel: Channel) -> str:
        return json.dumps(named(channel.instrument, self.directory), ensure_ascii=False, separators=(",", ":"))[1:-1]

    def quote(self, shown: str, book: Book) -> str:
        price, before, last, at = PRICES, book.prev_close_e4, book.last_e4, iso(book.at_ms)
        if book.name:
            shown = f"{shown.partition(_NAME)[0]}{_NAME}{json.dumps(book.name)}"
        told = f',"trade_time":{json.dumps(book.trade_time)}' if book.trade_time else ""
        told += f',"num":{book.trades}' if book.trades else ""
        change = percent(last - before, before) if before and last else "null"
        best = "".join(
            f',"{side}":{price[orders[0][0]]},"{side}_volume1":{orders[0][1]}'
            for side, orders in (("bid", book.bids), ("ask", book.asks))
            if orders
        )
        return (
            f'{{"type":"tick","batch_seq":{book.number},{shown},"timestamp":"{at}",'
            f'"open":{_price(book.open_e4)},"high":{_price(book.high_e4)},"low":{_price(book.low_e4)},'
            f'"close":{_price(last)},"vol":{book.volume},"amount":{amount(book.volume, book.turnover_e4)},'
            f'"pre_close":{_price(before)},"pct_chg":{change},"trade_date":"{exchange_day(book.at_ms):%Y%m%d}",'
            f'"collected_at":"{at}","version":{book.at_ms}{told}{best}}}'
        )


def _price(price_e4: int) -> str:
    return PRICES[price_e4] if price_e4 else "null"


def _symbols(message: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the texts among a message's symbols; what is no text is passed over, as their node does."""
    asked = message.get("symbols")
    found = [one for one in asked if isinstance(one, str) and one.strip()] if isinstance(asked, list) else []
    if not found:
        raise Malformed("symbols 不能为空")
    if len(found) > _MOST:
        raise Malformed(f"symbols 不能超过 {_MOST}")
    return tuple(found)


def _picture(instrument: InstrumentId, bar: Newest) -> Snapshot:
    """Return a day as its newest bar left it."""
    return Snapshot(
        instrument=instrument, at_ms=end_ms(bar.seq), prev_close_e4=bar.prev_close_e4, open_e4=bar.day_open_e4,
        high_e4=bar.day_high_e4, low_e4=bar.day_low_e4, last_e4=bar.close_e4, cum_volume=bar.day_volume,
        cum_turnover_e4=bar.day_turnover_e4,
    )  # fmt: skip


DialectClass = RtReceiver
