"""Writing one market's frames to the groups that take them: one write a connection, however many frames it is due."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from streaming.hub.slow_readers import Row
from streaming.hub.subscribers import FlushPlan, Group
from streaming.wire.framing import deflated

_FEW = 5  # with less than one in so many channels due, frames look for their groups


class MarketFlush:
    """The groups that follow something of one market.

    Where most of what is followed has moved, each group takes its frames out of the whole list; where little has, the
    frames look for their groups.
    """

    def __init__(self, market: str) -> None:
        self._market = market
        self._groups: dict[Group, None] = {}
        self._takers: dict[int, set[Group]] = {}  # who takes a number
        self._plan: FlushPlan | None = None  # while it still holds

    def __contains__(self, group: Group | None) -> bool:
        return group in self._groups

    def __iter__(self) -> Iterator[Group]:
        return iter(self._groups)

    def add(self, group: Group, numbers: Iterable[int]) -> None:
        """Write to a group, which takes some channel numbers."""
        self._groups[group] = None
        for number in numbers:
            self._takers.setdefault(number, set()).add(group)

    def remove(self, group: Group, numbers: Iterable[int]) -> None:
        """Write to a group no more."""
        del self._groups[group]
        for number in numbers:
            self._takers[number].discard(group)
            if not self._takers[number]:
                del self._takers[number]

    def changed(self) -> None:
        """Note that a group has other wires than before."""
        self._plan = None

    def send(self, rows: list[Row], followed: int) -> int:
        """Write windows, oldest first, and return how many deliveries that were.

        Args:
            followed: how many channels of the market somebody follows.
        """
        if len(rows) == 1 and not rows[0][0] and len(rows[0][2]) * _FEW < followed:
            frames = rows[0][1]
            return self.send_some({number: frames[number] for number in rows[0][2]})
        if not any(notices for notices, _, _ in rows):
            return self._send_all(rows, followed)
        return self._send_with_notices(rows)

    def _send_all(self, rows: list[Row], followed: int) -> int:
        """Send windows without news to every group: the path that nearly all bars take.

        What is rare is sent as it is also where compression was agreed: RFC 7692 leaves each message free.
        """
        plan = self._plan
        if plan is None:
            plan = self._plan = FlushPlan(self._market, self._groups)
        join, frames = b"".join, rows[0][1]
        if len(rows) == 1:
            for pick, wires in plan.plain:
                if data := join(pick(frames)):
                    for wire in wires:
                        wire.write(data)
        else:
            windows = [frames for _, frames, _ in rows]
            for pick, wires in plan.plain:
                if data := join(chain.from_iterable(map(pick, windows))):
                    for wire in wires:
                        wire.write(data)
        if plan.squeezed:
            # Once, for all of them.
            windows = [[frame and deflated(frame) for frame in frames] for _, frames, _ in rows]
            for pick, wires in plan.squeezed:
                if data := join(chain.from_iterable(map(pick, windows))):
                    for wire in wires:
                        wire.write(data)
        return sum(plan.every if len(due) == followed else self._reached(plan, due) for _, _, due in rows)

    def _reached(self, plan: FlushPlan, due: list[int]) -> int:
        """Return how many deliveries the frames of some numbers were."""
        if not plan.reach:
            plan.reach = {number: sum(len(group.wires) for group in groups) for number, groups in self._takers.items()}
        return sum(plan.reach.get(number, 0) for number in due)

    def send_some(self, frames: Mapping[int, bytes]) -> int:
        """Write some channels' frames, by their numbers, to who takes them; return how many deliveries that was.

        It costs what is due, however many channels are followed.
        """
        takers = self._takers
        buckets: dict[Group, list[bytes]] = {}
        for number in sorted(frames):
            for group in takers.get(number, ()):
                if group in buckets:
                    buckets[group].append(frames[number])
                else:
                    buckets[group] = [frames[number]]
        sent = 0
        for group, parts in buckets.items():
            data = b"".join(parts)
            for wire in group.wires.values():
                wire.write(data)
            sent += len(parts) * len(group.wires)
        return sent

    def _send_with_notices(self, rows: list[Row]) -> int:
        """The same with news among the windows."""
        sent = 0
        for group in self._groups:
            parts: list[bytes] = []
            bars = 0
            for notices, frames, due in rows:
                heard = [one for one in notices if one.symbol is None or one.symbol in group.symbols]
                parts += [one.frame(group.dialect) for one in heard]
                if due:
                    picked = list(filter(None, group.pick[self._market](frames)))
                    bars += len(picked)
                    parts += picked
            if data := b"".join(parts):
                for wire in group.wires.values():
                    wire.write(data)
                sent += bars * len(group.wires)
        return sent
