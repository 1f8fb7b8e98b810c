"""Several lines of one market -> the ticks that count, each once.

Totals meet by arithmetic (`streaming.domain.totals`), tapes by counting copies (`streaming.domain.tapes`). A tape and
totals of one instrument are not mixed: while a line that tells trades leads, its trades are the market's, and totals
only say what it has missed; otherwise totals count, and trades of instruments that have none.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from streaming.domain.agreement import Agreement
from streaming.domain.lines import CLOCK_MS, Leadership, LineSetting, LineStats, Standing, Switch
from streaming.domain.tapes import Tapes
from streaming.domain.ticks import Snapshot, Trade
from streaming.domain.totals import DayTotals, Verdict

SETTLED_MS = 3_000  # a tape may be so much later than a total before the difference is taken for lost
_LOOK_MS = 1_000
_SURPLUS = 100  # shares: a total may be counted in lots

STANDBY = Verdict("standby")  # another line's word counts; the row is fine
PICTURE = Verdict("picture")  # the tape counts; the row shows orders, the day and the state


@dataclass(slots=True)
class _Waiting:
    """A total that is ahead of the tape."""

    total: Snapshot
    since_ms: int


class Merge:
    """Judges what lines tell, in the order of its arrival. Not for several threads.

    Args:
        totals: the market's days.
        settings: of its lines.
        leader: who led before a restart.
        is_open: whether the market is in `open` at an instant.
    """

    def __init__(
        self,
        totals: DayTotals,
        settings: Sequence[LineSetting],
        *,
        is_open: Callable[[int], bool],
        leader: str = "",
    ) -> None:
        self._totals, self._is_open = totals, is_open
        self._leadership = Leadership(settings, leader)
        self._tapes, self._agreement = Tapes(), Agreement()
        self._stats = {one.name: LineStats() for one in settings}
        self._taped: dict[str, int] = {}  # symbol -> the venue's time of its newest trade that counted
        self._waiting: dict[str, _Waiting] = {}
        self._listened: frozenset[str] = frozenset()  # lines that tell, and whose totals do not count
        self._looked_ms = 0
        self._day: object = None
        self.standings: dict[str, Standing] = {}
        self.notes: Counter[str] = Counter()  # filled and surplus shares of tapes
        self._weigh()

    @property
    def leader(self) -> str:
        """The line that leads; "" where none may."""
        return self._leadership.leader

    def arrange(self, settings: Sequence[LineSetting]) -> None:
        """Take other lines, ranks, weights and modes; nothing that was counted changes."""
        for one in settings:
            self._stats.setdefault(one.name, LineStats())
        self._leadership.arrange(settings)
        self._weigh()
        self._looked_ms = 0

    def _weigh(self) -> None:
        self._totals.weights = {name: one.weight for name, one in self._leadership.settings.items()}
        self._listened = frozenset(name for name, one in self._leadership.settings.items() if one.mode == "drain")

    # -- what lines tell -------------------------------------------------------------------------------------------

    def note(
        self, line: str, now_ms: int, *, rows: int, refused: int, moved: Iterable[str], lags_ms: Iterable[int]
    ) -> None:
        """Take how one reading of a line went."""
        self._stats[line].note(now_ms, rows=rows, refused=refused, moved=moved, lags_ms=lags_ms)

    def moves(self, line: str, snapshot: Snapshot) -> bool:
        """Take a line's own total; tell whether it moved the instrument by it."""
        return self._stats[line].moves(snapshot.instrument.symbol, snapshot.cum_volume)

    def clock_is_off(self, line: str) -> bool:
        """Tell whether a line's times say nothing: they lie ahead of ours, or of the leading line's."""
        return self._stats[line].clock_is_off() or (
            line != self.leader and abs(self._agreement.ahead_ms(line, self.leader)) > CLOCK_MS
        )

    def trade(self, trade: Trade, line: str) -> str:
        """Return why a trade does not count; "" where it does."""
        symbol = trade.instrument.symbol
        self._stats[line].tells_trades = True
        if line in self._listened:
            return "standby"
        leads = self._tape_leads()
        if not leads and self._totals.tells(symbol, trade.at_ms):
            return "standby"  # the totals have it, or will
        if not self._tapes.is_new(trade, line, self.leader if leads else line):
            return "copy"
        return "" if self._takes(trade, line) else "late_copy"  # a total that counted has it

    def total(self, snapshot: Snapshot, line: str, now_ms: int) -> Verdict:
        """Tell what becomes of a total."""
        symbol = snapshot.instrument.symbol
        if len(self._stats) > 1:
            self._agreement.see(symbol, line, snapshot)
        if line in self._listened:
            self._totals.hear(snapshot, line)
            return STANDBY
        if symbol in self._taped and self._tape_leads():
            self._compare_with_tape(symbol, snapshot, now_ms)
            return PICTURE
        return self._totals.judge(snapshot, line)

    def _tape_leads(self) -> bool:
        return bool(self.leader) and self._stats[self.leader].tells_trades

    def _compare_with_tape(self, symbol: str, snapshot: Snapshot, now_ms: int) -> None:
        taped = self._totals.volume_of(symbol)
        if taped is None:  # we began in the middle of the day: the tape goes on from here
            self._totals.go_on(snapshot)
        elif snapshot.cum_volume > taped:
            self._waiting.setdefault(symbol, _Waiting(snapshot, now_ms))
        elif snapshot.cum_volume <= taped - _SURPLUS and snapshot.at_ms > self._taped[symbol] + SETTLED_MS:
            self.notes["tape_surplus"] += 1

    # -- once a second ---------------------------------------------------------------------------------------------

    def look(self, now_ms: int, day: object) -> tuple[list[Trade], Switch | None]:
        """Look at the lines, once a second; return trades that count after all, and who leads from now on.

        Args:
            day: the exchange's; with another one, lines are compared anew.
        """
        if now_ms - self._looked_ms < _LOOK_MS:
            return [], None
        self._looked_ms = now_ms
        before, self._day = self._day, day
        if before not in (None, day):
            self._agreement.forget()
            self._taped.clear()
            self._waiting.clear()
            for stats in self._stats.values():
                stats.totals.clear()
        standings = {name: self._stats[name].standing(name, now_ms) for name in self._leadership.settings}
        self.standings, switch = self._leadership.look(
            now_ms, standings, is_open=self._is_open(now_ms), is_complete=self._totals.is_complete
        )
        self._listen()
        trades = self._missed(now_ms)
        if switch is not None:
            if not self._tape_leads():  # totals count from here on; what the tape told is in them
                self._taped.clear()
                self._waiting.clear()
            taken = self._tapes.take_over(switch.after)
            trades += [trade for trade in taken if self._takes(trade, switch.after)]
        return trades, switch

    def _listen(self) -> None:
        """Find the lines that do not count: drained, a minute late, or counting other things than the leader."""
        states = self.standings
        healthy = any(one.state in ("leading", "following") for one in states.values())
        self._listened = frozenset(
            name
            for name, one in states.items()
            if one.state == "drained"
            or (one.state == "delayed" and healthy)
            or (name != self.leader and self._agreement.differ(name, self.leader))
        )

    def _takes(self, trade: Trade, line: str) -> bool:
        """Count a trade of the tape; False where a total that counted has it."""
        symbol = trade.instrument.symbol
        if symbol not in self._taped and trade.at_ms <= self._totals.told_until_ms(symbol):
            return False
        self._taped[symbol] = max(self._taped.get(symbol, 0), trade.at_ms)
        self._totals.traded(trade, line)
        return True

    def _missed(self, now_ms: int) -> list[Trade]:
        """Return what tapes have not told of totals that are settled, as one trade each at its average price."""
        found = []
        for symbol, waiting in list(self._waiting.items()):
            if now_ms - waiting.since_ms < SETTLED_MS:
                continue
            del self._waiting[symbol]
            missing = self._totals.missing(waiting.total)
            if missing is None:
                continue
            volume, turnover_e4 = missing
            total = waiting.total
            price_e4 = turnover_e4 // volume if turnover_e4 else total.last_e4
            price_e4 = min(max(price_e4, total.low_e4 or price_e4), total.high_e4 or price_e4)
            trade = Trade(total.instrument, total.at_ms, price_e4, volume, turnover_e4 or price_e4 * volume)
            self._totals.traded(trade, "")
            self.notes["tape_filled"] += volume
            found.append(trade)
        return found
