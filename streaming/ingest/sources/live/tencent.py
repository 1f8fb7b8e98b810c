"""Tencent's page as a line: its snapshots, asked for every few seconds."""

from collections.abc import Sequence

from kernel.instruments import Venue
from streaming.domain.instruments import Directory, Instrument
from streaming.ingest.sources.live.polling import Page, Polling
from streaming.ingest.sources.live.setting import ProviderSetting
from streaming.wire.providers import tencent


def adapter(setting: ProviderSetting, directory: Directory) -> Polling:
    """Return what asks Tencent."""
    return Polling(Page(name="Tencent", path=_path, read=tencent.read, code_of=tencent.code_of), setting, directory)


def carries(instrument: Instrument) -> bool:
    """Tell whether it has rows of an instrument."""
    is_misplaced = instrument.id.venue is Venue.SH and instrument.id.code.startswith("92")  # Beijing's codes
    return instrument.lane != "TEST" and not is_misplaced


def _path(codes: Sequence[str]) -> str:
    return f"/q={','.join(codes)}"
