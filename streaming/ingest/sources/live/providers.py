"""Which providers there are, and how a line is made of one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.conf import settings

from kernel import clock
from streaming.domain.instruments import Directory, Instrument
from streaming.ingest.sources.live import alltick, itick, sina, tencent, tickdb
from streaming.ingest.sources.live.runner import Adapter, LiveSource
from streaming.ingest.sources.live.setting import ProviderSetting, wanted_of
from streaming.reference import directory
from streaming.store.lanes import LaneStore


@dataclass(frozen=True, slots=True)
class Provider:
    """What a line needs to know of a provider.

    Args:
        adapter: makes what talks with it.
        carries: whether it has anything of an instrument.
        needs_key: it asks who we are.
        tells_trades: with the venue's times, which come a little later: windows stay open for them.
    """

    adapter: Callable[[ProviderSetting, Directory], Adapter]
    carries: Callable[[Instrument], bool]
    needs_key: bool = False
    tells_trades: bool = False


PROVIDERS: Mapping[str, Provider] = {
    "sina": Provider(sina.adapter, sina.carries),
    "tencent": Provider(tencent.adapter, tencent.carries),
    "itick": Provider(itick.adapter, itick.carries, needs_key=True, tells_trades=True),
    "alltick": Provider(alltick.adapter, alltick.carries, needs_key=True, tells_trades=True),
    "tickdb": Provider(tickdb.adapter, tickdb.carries, needs_key=True, tells_trades=True),
}


def provider_source(provider: str, store: LaneStore, line: str, position: str, told: str) -> LiveSource:
    """Return a provider as the source of a line; nothing is connected before it is read.

    Args:
        position, told: of sources that can read again what was told; here there are none.
    """
    setting = ProviderSetting.of(provider, settings.PROVIDERS[provider])
    return made(setting, store, line, clock.now_ms)


def made(setting: ProviderSetting, store: LaneStore, line: str, clock_ms: Callable[[], int]) -> LiveSource:
    """Return the source of a line by a provider's setting."""
    kind = PROVIDERS[setting.provider]
    instruments = directory()
    wanted = wanted_of(setting, instruments, store.lane, kind.carries)
    problem = ""
    if kind.needs_key and not setting.key:
        problem = (
            f"{setting.variable('KEY')} (or {setting.variable('KEY')}_FILE) is not set where the ingest worker runs: "
            "without a key this provider tells nothing."
        )
    elif not wanted.instruments:
        problem = f"There is no instrument of {store.lane} to ask for; look at {setting.variable('SYMBOLS')}."
    return LiveSource(
        f"{store.lane} line {line} ({setting.provider})",
        setting,
        wanted,
        None if problem else kind.adapter(setting, instruments),
        problem=problem,
        calendar=store.calendar,
        clock_ms=clock_ms,
    )
