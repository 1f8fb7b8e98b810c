"""What an operator set for a provider, why it can fail, and which instruments a line asks for."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from kernel.instruments import BadSymbol, InstrumentId
from streaming.domain.instruments import Directory, Instrument

_NAMED = 5


class ProviderRefused(Exception):
    """A provider answered and said no: a bad key, a quota, too many symbols, too often.

    Args:
        sentence: for the operator, whole, without credentials.
        after_seconds: not before; 0 where it does not say.
    """

    def __init__(self, sentence: str, after_seconds: float = 0.0) -> None:
        super().__init__(sentence)
        self.sentence, self.after_seconds = sentence, after_seconds


class ProviderSilent(Exception):
    """Nothing came for so long that the connection is taken for dead."""


@dataclass(frozen=True, slots=True)
class ProviderSetting:
    """What holds for one provider, of TICKPACK_<PROVIDER>_*.

    Args:
        key: what it knows us by; "" where it asks for none or none is set.
        url, rest_url: where it listens; the second one for what a socket does not tell.
        by: http or websocket, of those that have both.
        symbols: what alone is asked for, in this order; empty for the list's instruments.
        most: instruments that may be asked for.
        batch: of one request or connection.
        per_minute: requests over HTTP.
        seconds: between two polls of a batch.
        heartbeat_seconds, silence_seconds: how often we say that we live, and when its silence is a dead connection.
        proxy: an HTTP proxy; "" for what HTTPS_PROXY names.
        retry_seconds, refused_seconds: before the first try after a lost connection, and after a refusal.
        units: what the operator says of volumes whose unit the provider does not publish: `star=shares`, `etf=lots`.
    """

    provider: str
    key: str = field(default="", repr=False)
    url: str = field(default="", repr=False)  # an operator may have put a password into it
    rest_url: str = field(default="", repr=False)
    by: str = "http"
    symbols: tuple[str, ...] = ()
    most: int = 100
    batch: int = 50
    per_minute: float = 60
    seconds: float = 3.0
    heartbeat_seconds: float = 20.0
    silence_seconds: float = 60.0
    proxy: str = field(default="", repr=False)
    retry_seconds: float = 1.0
    refused_seconds: float = 30.0
    units: tuple[str, ...] = ()

    @classmethod
    def of(cls, provider: str, told: dict[str, Any]) -> "ProviderSetting":
        """Return the setting as the process was started with it."""
        return cls(provider, **told)

    def variable(self, name: str) -> str:
        """Return the name of one of its variables, for sentences."""
        return f"TICKPACK_{self.provider.upper()}_{name}"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which instruments a line asks for, and what is to be said of those that it does not."""

    instruments: tuple[Instrument, ...]
    remark: str = ""


def wanted_of(
    setting: ProviderSetting, directory: Directory, lane: str, carries: Callable[[Instrument], bool] = lambda one: True
) -> Wanted:
    """Return the instruments of a market that a line asks for, up to the provider's limit, in the list's order.

    Args:
        carries: whether the provider has anything of an instrument at all.
    """
    remarks = []
    chosen, unknown = _chosen(setting, directory, lane)
    if unknown:
        remarks.append(f"{setting.variable('SYMBOLS')} has what is no symbol of this program: {_some(unknown)}.")
    known = [one for one in chosen if carries(one)]
    if len(known) < len(chosen):
        remarks.append(f"{len(chosen) - len(known)} of {len(chosen)} instruments are none that it has.")
    asked = known[: setting.most]
    if len(asked) < len(known):
        remarks.append(
            f"{len(asked)} of {len(known)} instruments are asked for, which is the limit "
            f"({setting.variable('MOST')}); the first one left out is {known[len(asked)].symbol}."
        )
    return Wanted(tuple(asked), " ".join(remarks))


def _chosen(setting: ProviderSetting, directory: Directory, lane: str) -> tuple[list[Instrument], list[str]]:
    if not setting.symbols:
        return directory.in_lane(lane), []
    chosen, unknown = [], []
    for text in setting.symbols:
        try:
            found: InstrumentId = directory.identify(text)
        except BadSymbol:
            unknown.append(text[:20])
            continue
        if found.lane == lane:
            chosen.append(directory.described(found))
    return chosen, unknown


def _some(words: Iterable[str]) -> str:
    words = list(words)
    more = f" and {len(words) - _NAMED} more" if len(words) > _NAMED else ""
    return ", ".join(words[:_NAMED]) + more
