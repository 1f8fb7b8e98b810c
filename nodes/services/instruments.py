"""The list of instruments is changed and published: as a file says, or row by row in the admin."""

import logging
from collections.abc import Iterable

from django.db import transaction

from kernel.clock import utc_now
from kernel.listing import FIELDS, Row, complete, line, pack, spell
from nodes import announcements, selectors
from nodes.domain.listings import Difference, Listed, compare
from nodes.errors import ListChanged
from nodes.models import Instrument, InstrumentList

log = logging.getLogger(__name__)
_BATCH = 500


def compare_list(listed: Listed, *, whole: bool) -> Difference:
    """Return what a file changes of the list in force."""
    return compare(listed, selectors.instruments_in_force(), whole=whole, syllables=syllables)


@transaction.atomic
def take_list(listed: Listed, *, shown: Difference, by: str, whole: bool) -> int:
    """Enter a file as it was shown and publish the list; return how many rows were changed.

    Raises:
        ListChanged: somebody has changed the list since.
    """
    state = _locked()
    if compare_list(listed, whole=whole) != shown:
        raise ListChanged
    _fill(by)
    now = utc_now()
    for change in (*shown.new, *shown.changed, *shown.gone):
        defaults = Instrument.fields_of(change.after) | {"entered_by": by, "entered_at": now}
        Instrument.objects.update_or_create(symbol=change.symbol, defaults=defaults)
    Instrument.objects.filter(symbol__in=[change.symbol for change in shown.renamed]).delete()
    _publish(state, by)
    return len(shown.new) + len(shown.changed) + len(shown.gone)


@transaction.atomic
def enter_committed(*, by: str) -> bool:
    """Enter the list that came with the program where there is none, so that it can be changed; False: there is one."""
    state = _locked()
    if Instrument.objects.exists():
        return False
    _fill(by)
    _publish(state, by)
    return True


@transaction.atomic
def save_instrument(instrument: Instrument, *, by: str) -> None:
    """Write one row, with its pinyin where it has none, and publish the list."""
    state = _locked()
    _fill(by)
    there = Instrument.objects.filter(symbol=instrument.symbol).first()
    if there is not None and instrument.pk is None:
        instrument.pk, instrument.place = there.pk, there.place  # it came with the program, and was entered just now
    # A new name is spelled anew, unless somebody has spelled it.
    outdated = there is not None and there.name_zh != instrument.name_zh and there.pinyin == instrument.pinyin
    if not instrument.pinyin or outdated:
        instrument.pinyin, instrument.initials = spell(instrument.name_zh, syllables)
    instrument.entered_by, instrument.entered_at = by, utc_now()
    instrument.save()
    Instrument.objects.filter(symbol__in=instrument.former_codes.split()).delete()
    _publish(state, by)


@transaction.atomic
def add_reported(*, symbol: str, name: str, by: str) -> Instrument:
    """Add what a source reports, as its code says it is; a product that is there already stays as it is."""
    state = _locked()
    _fill(by)
    row = complete({"symbol": symbol, "name_zh": name or symbol})
    row["pinyin"], row["initials"] = spell(row["name_zh"], syllables)
    fields = Instrument.fields_of(row) | {"entered_by": by, "entered_at": utc_now()}
    instrument, _ = Instrument.objects.get_or_create(symbol=row["symbol"], defaults=fields)
    _publish(state, by)
    return instrument


@transaction.atomic
def set_state(pks: Iterable[int], *, state: str, by: str) -> int:
    """Say that some trade, are suspended or delisted, and publish the list; return how many rows that changes."""
    published = _locked()
    rows = Instrument.objects.filter(pk__in=list(pks)).exclude(state=state)
    changed = rows.update(state=state, entered_by=by, entered_at=utc_now())
    if changed:
        _publish(published, by)
    return changed


@transaction.atomic
def delete_instruments(pks: Iterable[int], *, by: str) -> None:
    """Take rows out of the list and publish it. What was ever traded is better delisted: then it is still found."""
    state = _locked()
    Instrument.objects.filter(pk__in=list(pks)).delete()
    _publish(state, by)


def syllables(text: str) -> list[str]:
    """Return the pinyin of Chinese characters. Here alone: nodes are told what it makes."""
    from pypinyin import lazy_pinyin  # 40 MB, which nobody needs who only sells

    return list(lazy_pinyin(text))


def _locked() -> InstrumentList:
    """Return the published list's row; who has it is the only one who writes."""
    InstrumentList.objects.get_or_create(pk=1)
    return InstrumentList.objects.select_for_update().get(pk=1)


def _fill(by: str) -> None:
    """Enter the list that came with the program, before the first change of it."""
    if Instrument.objects.exists():
        return
    now = utc_now()
    rows = selectors.committed_instruments()
    Instrument.objects.bulk_create(
        [
            Instrument(**Instrument.fields_of(row), place=nth, entered_by=by, entered_at=now)
            for nth, row in enumerate(rows)
        ],
        batch_size=_BATCH,
    )


def _publish(state: InstrumentList, by: str) -> None:
    lines = [line(_row(values)) for values in Instrument.objects.values_list(*FIELDS)]
    state.rev, state.rows = state.rev + 1, len(lines)
    state.packed = pack(state.rev, lines) if lines else ""
    state.published_at, state.published_by = utc_now(), by
    state.save()
    log.info("list of instruments number %d has %d rows, by %s", state.rev, state.rows, by)
    announcements.instruments()


def _row(values: Iterable[object]) -> Row:
    row = dict(zip(FIELDS, values, strict=True))
    return row | {name: str(row[name] or "") for name in ("listed_on", "delisted_on")}
