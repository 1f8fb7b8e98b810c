"""An exchange's notice of its trading days as lines that somebody types off it: parsed, never guessed at.

    # 关于2027年休市安排的通知
    CN 2027-02-05..2027-02-11 closed Spring Festival
    CN 2027年10月1日至7日 休市
    HK 2027-12-24 half Christmas Eve
    HK 2027-07-20 opens 13:30 typhoon
    HK 2027-07-21 closes 13:55 typhoon
    CN 2027-02-12 as-published
    CN 2027 published

`published` says that the notice has all of the year: its other weekdays are trading days from then on, and no longer
presumed to be. `published until 2027-06-30` says it of a part. `as-published` gives a changed day back.
"""

import re
from dataclasses import dataclass, field
from datetime import date, timedelta

from kernel.trading_days import TradingDay, allowed, fault_of, minutes

MOST_LINES, MOST_CHARACTERS, MOST_SPAN_DAYS = 1_000, 64 * 1024, 62
_NOTE_CHARACTERS = 200
_FIRST_YEAR, _YEARS_AHEAD = 2015, 3
_MARKETS = {
    "CN": "CN", "SSE": "CN", "SZSE": "CN", "BSE": "CN", "HK": "HK", "HKEX": "HK", "SEHK": "HK",
}  # fmt: skip
_KINDS = {
    "closed": "closed", "holiday": "closed", "休市": "closed", "休市一天": "closed", "full": "full", "trading": "full",
    "开市": "full", "half": "half", "half-day": "half", "半日": "half", "半日市": "half",
}  # fmt: skip
_OPENS, _CLOSES = ("opens", "open", "late"), ("closes", "close", "early")
_AS_PUBLISHED = ("as-published",)
_DATE = r"(\d{4})(?:-|/|\.|年)(\d{1,2})(?:-|/|\.|月)(\d{1,2})日?"
_END = rf"(?:{_DATE}|(?:(\d{{1,2}})(?:-|/|\.|月))?(\d{{1,2}})日?)"  # of the same year, or month, where it says no more
_SPAN = re.compile(rf"{_DATE}(?:\s*(?:\.\.+|~|–|—|至|到|\bto\b)\s*{_END})?(?=\s|$)")
_HOURS = re.compile(r"\d{1,2}:\d{2}")
_PUBLISHED = re.compile(rf"(?:(\d{{4}})年?\s+published|published\s+until\s+{_DATE})\s*", re.IGNORECASE)
_AS_TYPED = str.maketrans("：，,\u3000", ":   ")  # on a Chinese keyboard
_DAY_WORDS = "closed, full, half, opens HH:MM, closes HH:MM or as-published"


class BadNotice(ValueError):
    """A notice cannot be taken; `faults` has a sentence for each line that is wrong."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Entry:
    """What a notice says of one day; `day` None gives it back to what is published."""

    day: TradingDay | None
    note: str
    line: int


@dataclass(slots=True)
class Notice:
    """A notice as it was read: days by market, and up to when each market's days are complete with it."""

    days: dict[str, dict[date, Entry]] = field(default_factory=dict)
    complete: dict[str, tuple[date | None, date]] = field(default_factory=dict)  # (from; None: from what is known, to)

    @property
    def markets(self) -> list[str]:
        return sorted(self.days.keys() | self.complete.keys())


def read_notice(text: str, *, today: date) -> Notice:
    """Read a notice.

    Raises:
        BadNotice: something is not understood; each line that is wrong is named, with its value and what to write.
    """
    lines = text.splitlines()
    if len(text) > MOST_CHARACTERS or len(lines) > MOST_LINES:
        raise BadNotice(
            [f"{len(lines)} lines, {len(text)} characters: a notice has {MOST_LINES} and {MOST_CHARACTERS} at most"]
        )
    notice, faults = Notice(), list[str]()
    for number, raw in enumerate(lines, start=1):
        line = _plain(raw)
        if not line:
            continue
        try:
            _read_line(notice, number, line, today)
        except ValueError as error:
            faults.append(f"line {number}: {error}")
    if not faults and not notice.markets:
        faults.append("the notice says nothing; write lines like: CN 2027-02-05..2027-02-11 closed Spring Festival")
    if faults:
        raise BadNotice(faults)
    return notice


def _plain(raw: str) -> str:
    """Return a line without comment, byte order mark and the punctuation of Chinese keyboards."""
    text = raw.replace("\ufeff", "").replace("＃", "#").partition("#")[0]
    return " ".join(text.translate(_AS_TYPED).split())


def _read_line(notice: Notice, number: int, line: str, today: date) -> None:
    name, _, rest = line.partition(" ")
    market = _MARKETS.get(name.upper())
    if market is None:
        raise ValueError(f"{name[:20]!r} is no market: begin with CN or HK")
    if (published := _PUBLISHED.fullmatch(rest)) is not None:
        _complete(notice, market, published, today)
        return
    span = _SPAN.match(rest)
    if span is None:
        raise ValueError(
            f"{rest[:30]!r} does not begin with a day: write 2027-02-05, 2027-02-05..2027-02-11, "
            f"or: {market} 2027 published"
        )
    first, last = _days_of(span, today)
    day, note = _day_of(market, rest[span.end() :].split())
    days = (first + timedelta(days=n) for n in range((last - first).days + 1))
    for one in days:
        if day is not None and day.trades and one.weekday() >= 5:
            if first == last:
                raise ValueError(
                    f"{one} is a {one:%A}: exchanges do not trade at weekends, make-up workdays included; leave it out"
                )
            continue
        _enter(notice.days.setdefault(market, {}), one, Entry(day, note, number))


def _enter(days: dict[date, Entry], on: date, entry: Entry) -> None:
    before = days.setdefault(on, entry)
    if before.day != entry.day:
        raise ValueError(f"{on} is {before.day or 'as published'} in line {before.line}: say one of the two")


def _complete(notice: Notice, market: str, found: "re.Match[str]", today: date) -> None:
    year = found[1]
    if year is not None:
        first, last = _date(year, "1", "1", today), _date(year, "12", "31", today)
        known: tuple[date | None, date] = (first, last)
    else:
        known = (None, _date(found[2], found[3], found[4], today))
    if notice.complete.setdefault(market, known) != known:
        raise ValueError(f"{market} is published until {notice.complete[market][1]} already: one such line a market")


def _days_of(span: "re.Match[str]", today: date) -> tuple[date, date]:
    first = _date(span[1], span[2], span[3], today)
    if span[4] is not None:
        last = _date(span[4], span[5], span[6], today)
    elif span[8] is not None:
        last = _date(span[1], span[7] or span[2], span[8], today)
    else:
        last = first
    if last < first:
        raise ValueError(f"{first}..{last} ends before it begins: write the year of the second day too")
    if (last - first).days >= MOST_SPAN_DAYS:
        raise ValueError(
            f"{first}..{last} has {(last - first).days + 1} days: {MOST_SPAN_DAYS} at most, so write it in parts"
        )
    return first, last


def _date(year: str, month: str, day: str, today: date) -> date:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        raise ValueError(f"{year}-{month}-{day} is no day: write it like 2027-02-05") from None
    if not _FIRST_YEAR <= found.year <= today.year + _YEARS_AHEAD:
        raise ValueError(f"{found} is not between {_FIRST_YEAR} and {today.year + _YEARS_AHEAD}: look at the year")
    return found


def _day_of(market: str, words: list[str]) -> tuple[TradingDay | None, str]:
    """Read what a day is; the first word that is none of ours begins the note."""
    kind, opens, closes, given_back, at = None, None, None, False, 0
    while at < len(words):
        word = words[at].lower()
        if word in _KINDS and kind in (None, _KINDS[word]):
            kind = _KINDS[word]
        elif word in _OPENS + _CLOSES and (time := _time_behind(words, at)) is not None:
            opens, closes = (time, closes) if word in _OPENS else (opens, time)
            at += 1
        elif word in _AS_PUBLISHED:
            given_back = True
        elif word in _KINDS:
            raise ValueError(f"{words[at]!r} and {kind!r} contradict each other: say one")
        else:
            break
        at += 1
    if at == 0:
        raise ValueError(f"{' '.join(words)[:30]!r} does not say what the day is: {_DAY_WORDS}")
    note = " ".join(words[at:])
    if len(note) > _NOTE_CHARACTERS:
        raise ValueError(f"the note has {len(note)} characters: {_NOTE_CHARACTERS} at most")
    if _HOURS.search(note):
        raise ValueError(f"{note[:30]!r} reads like hours: write opens 13:30 or closes 13:55, or leave the time out")
    if given_back:
        if (kind, opens, closes) != (None, None, None):
            raise ValueError("a day that is as published has no words of its own: leave them out")
        return None, note
    day = TradingDay(kind or "full", opens, closes)
    if fault := fault_of(market, day):
        raise ValueError(hours_text(market, day, *fault))
    return day, note


def _time_behind(words: list[str], at: int) -> int | None:
    """Return the time behind a word; None where the word stands alone and is none of ours."""
    if at + 1 == len(words) or not words[at + 1][0].isdecimal():
        raise ValueError(f"{words[at]!r} needs a time: write {words[at]} 13:30")
    text = words[at + 1]
    return minutes(f"{text[:2]}:{text[2:]}" if re.fullmatch(r"\d{4}", text) else text)


def hours_text(market: str, day: TradingDay, name: str, fault: str) -> str:
    """Return what is wrong with a day's times (kernel.trading_days.fault_of), and what to write."""
    if fault == "closed":
        return f"a closed day has no times: leave {name} out, or write what the day is instead of closed"
    if fault == "order":
        return f"{day} closes before it opens"
    kind = "half day" if day.kind == "half" else "day"
    return f"{day}: {name} is inside trading, {allowed(market, day.kind)} on a {kind} of {market}"
