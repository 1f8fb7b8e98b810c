"""Questions about nodes and the way to their groups. Nothing here writes."""

from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache

from django.conf import settings
from django.db.models import Count, Q, QuerySet, Sum
from django.utils.module_loading import import_string

from kernel.instruments import LANES
from kernel.listing import BOARDS, KINDS, Row
from kernel.scope import MARKETS
from kernel.trading_days import PublishedDays, TradingDay, horizon_warning, known_until
from nodes import store
from nodes.domain.placement import SEEN_WITHIN
from nodes.errors import NoSuchGroup, UnknownTransport
from nodes.models import (
    CalendarHorizon,
    CalendarOverride,
    DataLicence,
    Delivered,
    DeliveredMonth,
    FeedSetting,
    Instrument,
    InstrumentList,
    MarketLine,
    Node,
    NodeGroup,
    ProcessHealth,
    UsedHour,
    in_language,
)
from outbox.transports.redis import Link, RedisLink

OWN = ""  # in place of a group's slug: the Redis that the panel's own process uses


def link_to(group: NodeGroup) -> Link:
    """Return the way to a group's Redis, as its transport and address say.

    Raises:
        UnknownTransport: another version of the program has set one that this one does not have.
    """
    if group.transport != NodeGroup.Transport.REDIS:
        raise UnknownTransport(group=group.slug, transport=group.transport)
    return RedisLink(group.address)


MADE_UP_FEEDS = frozenset({"simulated", "test"})
_REPORTED_WITHIN = timedelta(seconds=60)


def runs_made_up(group: NodeGroup, now: datetime) -> bool | None:
    """Tell whether a group's markets are made up, as its processes say; None where none has said so lately.

    TEST always is, and says so by its name.
    """
    rows = ProcessHealth.objects.filter(group=group, reported_at__gt=now - _REPORTED_WITHIN).values_list(
        "feeds", flat=True
    )
    feeds = {feed for said in rows for market, feed in said.items() if market != "TEST"}
    return bool(feeds & MADE_UP_FEEDS) if feeds else None


def feeds_of(group: NodeGroup, now: datetime) -> dict[str, str]:
    """Return what feeds a group's markets, as its processes say: live, replay, simulated; a silent one is absent."""
    rows = ProcessHealth.objects.filter(group=group, reported_at__gt=now - _REPORTED_WITHIN).order_by("reported_at")
    told = {market: feed for said in rows.values_list("feeds", flat=True) for market, feed in said.items() if feed}
    return dict(sorted(told.items()))


def market_states(now: datetime) -> dict[int, dict[str, str]]:
    """Return how each group's markets are, by the group's id, as its processes said last: open, closed, no_feed, ...

    Processes may differ for a moment; the newest word counts. A group that is silent is absent.
    """
    rows = ProcessHealth.objects.filter(reported_at__gt=now - _REPORTED_WITHIN).order_by("reported_at")
    found: dict[int, dict[str, str]] = {}
    for group, markets in rows.values_list("group_id", "markets"):
        found.setdefault(group, {}).update({market: state for market, state in markets.items() if state})
    return found


def guest_node(now: datetime) -> Node | None:
    """Return the node that visitors hear the test symbol from: the first that is active, seen, and real-time."""
    rows = Node.objects.filter(
        state=Node.State.ACTIVE, realtime=True, reports_realtime=True, last_seen_at__gt=now - SEEN_WITHIN
    )
    return rows.select_related("group").order_by("group__slug", "slug").first()


def unseen(now: datetime) -> QuerySet[Node]:
    """Return the nodes in service that the poller has not seen within the time that the shop asks for."""
    late = Q(last_seen_at=None) | Q(last_seen_at__lt=now - SEEN_WITHIN)
    return Node.objects.exclude(state=Node.State.RETIRED).filter(late)


def groups_left_without(nodes: Collection[int], now: datetime) -> list[NodeGroup]:
    """Return the groups that have a ready node now (active and seen) and none once these nodes serve no more."""
    ready = Node.objects.filter(state=Node.State.ACTIVE, last_seen_at__gte=now - SEEN_WITHIN)
    kept = ready.exclude(pk__in=nodes).values("group")
    return list(NodeGroup.objects.filter(pk__in=ready.filter(pk__in=nodes).values("group")).exclude(pk__in=kept))


def unlicensed_lines(on: date) -> list[MarketLine]:
    """Return the lines of live markets that bring a provider's data which nobody may sell on a day.

    What is made up, replayed or pushed is the operator's own affair. TEST is sold to nobody by itself.
    """
    lines = (
        MarketLine.objects.filter(setting__feed=FeedSetting.Feed.LIVE, setting__lane__in=list(MARKETS))
        .exclude(source=MarketLine.PUSH)
        .select_related("setting")
    )
    licensed = {(row.lane, row.provider) for row in DataLicence._default_manager.all() if row.covers(on)}
    return [line for line in lines if (line.setting.lane, line.source) not in licensed]


def markets_not_sold(on: date) -> frozenset[str]:
    """Return the markets that must not be sold on a day, since data in them is not licensed."""
    return frozenset(line.setting.lane for line in unlicensed_lines(on))


def links() -> dict[str, Link]:
    """Return the ways to all groups' Redis by the groups' slugs; a transport that is unknown here is left out."""
    found: dict[str, Link] = {OWN: RedisLink()}
    for group in NodeGroup.objects.order_by("slug"):
        with suppress(UnknownTransport):
            found[group.slug] = link_to(group)
    return found


def link_named(slug: str) -> Link:
    """Return the way to a group's Redis by the group's slug; OWN is the panel's.

    Raises:
        NoSuchGroup: there is no such group.
        UnknownTransport: it is reached by a transport that this version does not have.
    """
    if slug == OWN:
        return RedisLink()
    group = NodeGroup.objects.filter(slug=slug).first()
    if group is None:
        raise NoSuchGroup(group=slug[:40])
    return link_to(group)


def destinations() -> list[str]:
    """Return one group for every Redis that there is, OWN first, for link_named.

    What concerns every ingest process (feeds, calendars) goes to each of them once.
    """
    found: dict[tuple[str, str], str] = {}
    for group in NodeGroup.objects.order_by("slug"):
        found.setdefault((group.transport, group.address), group.slug)
    found.pop((NodeGroup.Transport.REDIS, RedisLink().address), None)
    return [OWN, *found.values()]


def published_days(market: str) -> PublishedDays:
    """Return the trading days that came with the program; which part of it has them, settings say."""
    found: PublishedDays = import_string(settings.PUBLISHED_DAYS)(market)
    return found


def changed_days(market: str) -> dict[date, TradingDay]:
    """Return a market's days that operators have changed."""
    return {row.day_on: row.day for row in CalendarOverride.objects.filter(lane=market)}


def calendar_horizon(market: str) -> date | None:
    """Return up to when operators have entered what a market's exchange has published; None where nobody has."""
    return CalendarHorizon.objects.filter(lane=market).values_list("until_on", flat=True).first()


def ending_calendars(today: date) -> dict[str, date]:
    """Return the last known trading day of each market that has few left, or none.

    Args:
        today: at the exchange.
    """
    known = {market: known_until(published_days(market), calendar_horizon(market)) for market in MARKETS}
    return {market: until for market, until in known.items() if horizon_warning(market, until, today)}


def instruments_in_force() -> dict[str, Row]:
    """Return the list of instruments by symbol: what operators keep, else what came with the program."""
    kept = {row.symbol: row.as_row() for row in Instrument.objects.all()}
    return kept or {row["symbol"]: row for row in committed_instruments()}


def committed_instruments() -> list[Row]:
    """Return the list that came with the program; which part of it has that, settings say."""
    found: list[Row] = import_string(settings.COMMITTED_INSTRUMENTS)()
    return found


def reported_unknown() -> dict[str, list[str]]:
    """Return the symbols that running feeds report and no list has, each with the markets' groups that say so.

    A Redis that is away says nothing.
    """
    found: dict[str, list[str]] = {}
    for group in destinations():
        try:
            link = link_named(group)
        except (NoSuchGroup, UnknownTransport):
            continue
        for lane in LANES:
            for symbol in store.unknown_symbols(store.feed_state(link, lane=lane)):
                found.setdefault(symbol, []).append(group)
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class FeedTrouble:
    """What is wrong with a market's feed on a group ("" is the panel's own), or with one of its lines.

    No line and no problem: no worker runs the market although operators have chosen a feed for it. `since` is when the
    market's newest window ended, where that is known.
    """

    market: str
    group: str
    line: str
    problem: str
    since: datetime | None = None


LINES_IN_TROUBLE = frozenset(
    {"mute", "refused", "late", "delayed"}
)  # of streaming's words for why a line does not lead


def feeds_in_trouble() -> list[FeedTrouble]:
    """Return what the workers of all markets say is wrong, asked of each Redis; one that is away is asked once."""
    chosen = set(FeedSetting.objects.exclude(feed=FeedSetting.Feed.NONE).values_list("lane", flat=True))
    running: set[str] = set()
    found = []
    for group in destinations():
        with suppress(NoSuchGroup, UnknownTransport):
            link = link_named(group)
            for lane in LANES:
                state = store.feed_state(link, lane=lane)
                away = bool(state.get("problem")) and "reported_ms" not in state
                running |= {lane} if state else set()
                found += _troubles(lane, group, state)
                if away:  # the next question would wait as long for nothing
                    running |= set(LANES)
                    break
    found += [FeedTrouble(lane, OWN, "", "") for lane in LANES if lane in chosen - running]
    return sorted(found, key=lambda one: (bool(one.line), one.market, one.group))


def _troubles(lane: str, group: str, state: dict[str, str]) -> list[FeedTrouble]:
    found, ended_ms = [], int(float(state.get("clock_ms") or 0))
    if (problem := state.get("problem", "")) and problem != "finished":
        since = datetime.fromtimestamp(ended_ms / 1000, UTC) if ended_ms else None
        found.append(FeedTrouble(lane, group, "", problem, since))
    for line in store.lines_of(state):
        problem = store.connection_of(line)["problem"] or (line["state"] if line["state"] in LINES_IN_TROUBLE else "")
        if problem:
            found.append(FeedTrouble(lane, group, line["name"], problem))
    return found


@dataclass(frozen=True, slots=True)
class Carried:
    """How many products a list has of one market, board and kind; `delisted` are counted apart."""

    market: str
    board: str
    kind: str
    products: int
    suspended: int
    delisted: int


def carried() -> list[Carried]:
    """Count the list in force by market, board and kind; the test symbol is no product."""
    kept = Instrument.objects.order_by().values_list("symbol", "board", "kind", "state")
    rows = list(kept) or _committed_kinds()
    counts = Counter(
        ("HK" if symbol.endswith(".HK") else "CN", board, kind, state)
        for symbol, board, kind, state in rows
        if board != "test"
    )
    places = sorted({key[:3] for key in counts}, key=lambda one: (one[0], BOARDS.index(one[1]), KINDS.index(one[2])))
    return [
        Carried(*place, counts[(*place, "trading")] + (halted := counts[(*place, "suspended")]), halted,
                counts[(*place, "delisted")])
        for place in places
    ]  # fmt: skip


@cache
def _committed_kinds() -> list[tuple[str, str, str, str]]:
    """The committed list never changes while a process lives; the page is public and may be asked often."""
    return [(row["symbol"], row["board"], row["kind"], row["state"]) for row in committed_instruments()]


def published_list() -> InstrumentList | None:
    """Return what was published last; None: the list that came with the program is in force."""
    return InstrumentList.objects.defer("packed").filter(rev__gt=0).first()


@dataclass(frozen=True, slots=True)
class DeliveredDay:
    """A customer's bars of one symbol and day, of all nodes together."""

    day: date
    symbol: str
    due: int
    sent: int
    late: int


def delivered_days(
    customer_id: int, first: date, last: date, *, symbol: str = "", after: tuple[date, str] | None = None, most: int
) -> list[DeliveredDay]:
    """Return what was delivered to a customer from a day to another, both included: newest day first, then by symbol.

    Args:
        symbol: that one alone; "" is all.
        after: (day, symbol) of the last one that the caller has.
    """
    rows = Delivered.objects.filter(customer_id=customer_id, day_on__range=(first, last))
    if symbol:
        rows = rows.filter(symbol=symbol)
    if after is not None:
        rows = rows.filter(Q(day_on__lt=after[0]) | Q(day_on=after[0], symbol__gt=after[1]))
    sums = rows.values("day_on", "symbol").annotate(all_due=Sum("due"), all_sent=Sum("sent"), all_late=Sum("late"))
    return [
        DeliveredDay(one["day_on"], one["symbol"], one["all_due"], one["all_sent"], one["all_late"])
        for one in sums.order_by("-day_on", "symbol")[:most]
    ]


@dataclass(frozen=True, slots=True)
class UsedDay:
    """A customer's bars of one day, of all symbols and nodes together."""

    day: date
    symbols: int
    due: int
    sent: int
    late: int


def used_days(customer_id: int, first: date, last: date) -> list[UsedDay]:
    """Return what a customer followed on the days from one to another, both included: newest day first."""
    rows = Delivered.objects.filter(customer_id=customer_id, day_on__range=(first, last)).order_by().values("day_on")
    sums = rows.annotate(
        different=Count("symbol", distinct=True), all_due=Sum("due"), all_sent=Sum("sent"), all_late=Sum("late")
    )
    return [
        UsedDay(one["day_on"], one["different"], one["all_due"], one["all_sent"], one["all_late"])
        for one in sums.order_by("-day_on")
    ]


def used_hours(customer_id: int, since: datetime) -> list[UsedHour]:
    """Return what a customer's programs were sent in each hour since then, on every group: oldest first."""
    return list(UsedHour.objects.filter(customer_id=customer_id, hour_at__gte=since).order_by("hour_at"))


def names_of(symbols: Collection[str]) -> dict[str, str]:
    """Return names of symbols in the reader's language, of those that are in the list."""
    if not symbols:
        return {}
    rows = list(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", "name_zh", "name_en"))
    if not rows and not Instrument.objects.exists():  # nobody keeps a list: the one that came with the program counts
        known = (one for one in committed_instruments() if one["symbol"] in symbols)
        rows = [(one["symbol"], one["name_zh"], one["name_en"]) for one in known]
    return {symbol: in_language(english or chinese, chinese) for symbol, chinese, english in rows}


def delivered_in_all(customer_id: int, first: date, last: date, *, symbol: str = "") -> tuple[int, int, int]:
    """Return (due, sent, late) of a customer from a day to another, both included."""
    rows = Delivered.objects.filter(customer_id=customer_id, day_on__range=(first, last))
    if symbol:
        rows = rows.filter(symbol=symbol)
    sums = rows.aggregate(due=Sum("due"), sent=Sum("sent"), late=Sum("late"))
    return sums["due"] or 0, sums["sent"] or 0, sums["late"] or 0


def delivered_months(today: date, months: int = 12) -> list[DeliveredMonth]:
    """Return what was delivered to all customers in the last months, newest first; TEST is no market."""
    year, month = divmod(today.year * 12 + today.month - months, 12)
    since = date(year, month + 1, 1)
    return list(DeliveredMonth.objects.filter(month_on__gte=since, lane__in=list(MARKETS)).select_related("group"))
