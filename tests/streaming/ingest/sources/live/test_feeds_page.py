"""docs/feeds.md takes an operator from a key to live bars: walked through as it is written, provider by provider.

The provider is its emulator and the key is the emulator's; everything else is what the page says: the variables of the
provider's section, the line of its table chosen in the admin, the worker that runs the market.
"""

import json
import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.urls import reverse
from django.utils.timezone import localdate

from config.providers import providers
from kernel import clock, keyspace
from kernel.clock import utc_now
from nodes import selectors
from nodes.models import DataLicence, FeedSetting
from streaming.ingest.sources.live import pacing
from tests.factories import a_customer
from tests.streaming.ingest.conftest import wait_for
from tests.streaming.ingest.sources.live import test_alltick, test_itick, test_tickdb
from tests.streaming.ingest.sources.live.emulators import pages, sockets
from tests.streaming.ingest.sources.live.emulators.rows import Moment, sina_row, tencent_row
from tests.streaming.ingest.sources.live.playing import Day

ROOT = Path(__file__).resolve().parents[5]
PAGE = (ROOT / "docs" / "feeds.md").read_text()
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
SECTIONS = {part.split("\n", 1)[0].lower(): part for part in PAGE.split("\n## ")[1:]}
PROVIDERS = ("sina", "tencent", "itick", "alltick", "tickdb")


def variables_of(provider: str) -> dict[str, str]:
    return dict(re.findall(r"^(TICKPACK_\w+)=(\S+)$", SECTIONS[provider], re.MULTILINE))


def line_of(provider: str) -> tuple[str, str]:
    ((name, source),) = re.findall(r"^\| `(\w+)` \| `(\w+)` \|", SECTIONS[provider], re.MULTILINE)
    return name, source


class Emulated:
    """A provider that tells one instrument's day."""

    def __init__(self, provider: str, day: Day, stack: ExitStack) -> None:
        self.provider, self.day = provider, day
        if provider in ("sina", "tencent"):
            self.pages = pages.SinaPages() if provider == "sina" else pages.TencentPages()
            self.where = {"URL": stack.enter_context(pages.serving(self.pages))}
        else:
            kind = {"itick": sockets.ITickVendor, "alltick": sockets.AllTickVendor, "tickdb": sockets.TickDBVendor}
            self.vendor = kind[provider](most=5)
            found = stack.enter_context(sockets.serving(self.vendor))
            self.where = {"URL": found["url"], "REST_URL": found["rest_url"]}

    def told(self) -> bool:
        """Whether it was asked for everything that a line asks for."""
        if self.provider in ("sina", "tencent"):
            return bool(self.pages.asked)
        kind = {"itick": "quote", "alltick": "depth", "tickdb": "depth"}[self.provider]
        return self.vendor.follows(kind, "600519$SH" if self.provider == "itick" else "600519.SH")

    def tell(self, volume: int) -> None:
        """Tell the day so far."""
        if self.provider == "sina":
            self.pages.rows["sh600519"] = sina_row(Moment(volume, clock=self.day.clock()))
        elif self.provider == "tencent":
            self.pages.rows["sh600519"] = tencent_row(Moment(volume, clock=self.day.clock()))
        elif self.provider == "itick":
            self.vendor.say("quote", "600519$SH", test_itick.quote(self.day, volume))
        elif self.provider == "tickdb":
            self.vendor.say("ticker", "600519.SH", test_tickdb.ticker(self.day, volume // 100))
        elif volume > 100_000:  # it tells no totals
            self.vendor.say("tick", "600519.SH", test_alltick.trade(self.day, volume - 100_000))


@pytest.fixture
def root(client, db):
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    return client


@pytest.mark.whole
@pytest.mark.django_db
@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_steps_lead_from_a_key_to_bars(provider, root, clean_lane, worker, monkeypatch, settings, tmp_path):
    day, store = Day("10:00:00", speed=1), clean_lane("CN")
    monkeypatch.setattr(clock, "now_ms", day.now_ms)  # a Friday's morning; the rest of the worker is as it runs
    pacing.bucket_of.cache_clear()
    with ExitStack() as stack:
        emulated = Emulated(provider, day, stack)

        # 2. Variables, those of the section; the key is the emulator's, out of a file.
        said = variables_of(provider)
        prefix = f"TICKPACK_{provider.upper()}"
        if said.pop(f"{prefix}_KEY", ""):
            (tmp_path / "key").write_text(sockets.KEY + "\n")
            said[f"{prefix}_KEY_FILE"] = str(tmp_path / "key")
        for name, value in {**said, **{f"{prefix}_{name}": url for name, url in emulated.where.items()}}.items():
            monkeypatch.setenv(name, value)
        settings.PROVIDERS = providers()

        # 3. Line.
        name, source = line_of(provider)
        form = {
            "lane": "CN",
            "feed": "live",
            "speed": "1",
            "seed": "7",
            "lines-TOTAL_FORMS": "1",
            "lines-INITIAL_FORMS": "0",
        }
        line = {
            "lines-0-name": name,
            "lines-0-source": source,
            "lines-0-rank": "1",
            "lines-0-weight": "1",
            "lines-0-mode": "auto",
        }
        assert root.post(reverse("admin:nodes_feedsetting_add"), {**form, **line}).status_code == 302
        store._client.set(keyspace.feed_setting("CN"), json.dumps(FeedSetting.objects.get().as_json()))
        worker(store)
        wait_for(emulated.told)

        # 4. Look.
        def connection() -> dict[str, str]:
            state = store._client.hgetall(keyspace.feed_state("CN"))
            lines = json.loads(state.get(b"lines", b"[]"))
            return lines[0].get("connection", {}) if lines else {}

        emulated.tell(100_000)
        wait_for(lambda: connection().get("state") == "live")
        assert connection()["problem"] == ""

        # 5. Licence.
        today = localdate(utc_now())
        assert selectors.markets_not_sold(today) == {"CN"}
        DataLicence.objects.create(lane="CN", provider=provider, contract="C-1", starts_on=today)
        assert selectors.markets_not_sold(today) == frozenset()

        # 6. Bars.
        if provider != "alltick":
            wait_for(lambda: "600519.SH" in store.newest())
        emulated.tell(100_700)
        wait_for(lambda: store.newest().get("600519.SH") and store.newest()["600519.SH"].volume == 700)

    assert store.newest()["600519.SH"].close_e4 == 100_000


def test_every_variable_of_the_page_exists_and_every_one_that_exists_is_described(monkeypatch):
    asked: set[str] = set()
    for reader in ("env_text", "env_int", "env_float", "env_list", "env_choice", "env_secret"):
        real = getattr(__import__("config.providers", fromlist=["providers"]), reader)

        def noted(name, *more, _real=real):
            asked.add(name)
            return _real(name, *more)

        monkeypatch.setattr(f"config.providers.{reader}", noted)
    providers()

    named = set(re.findall(r"TICKPACK_(?:SINA|TENCENT|ITICK|ALLTICK|TICKDB)_\w+", PAGE))
    assert {name.removesuffix("_FILE") for name in named} <= asked
    assert {name for name in asked if f"`{name}`" not in CONFIGURATION} == set()
    assert set(re.findall(r"`(TICKPACK_(?:SINA|TENCENT|ITICK|ALLTICK|TICKDB)_\w+)`", CONFIGURATION)) == asked


def test_the_page_has_each_provider_with_its_terms_and_what_is_not_told():
    for provider in PROVIDERS:
        section = SECTIONS[provider]
        assert "redistribution" in section
        assert "Told:" in section
        assert "Not told:" in section or "Not asked for:" in section
    assert all(
        f"**{name}**" in SECTIONS["what nobody has seen without a key"]
        for name in ("iTick", "AllTick", "TickDB", "Sina", "Tencent")
    )
