"""Settings of the providers of live data: what their variables say, and what cannot be read is refused by name."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.providers import providers
from streaming.ingest.sources.live.providers import PROVIDERS
from streaming.ingest.sources.live.setting import ProviderSetting


def test_every_provider_has_a_setting_that_streaming_reads():
    found = providers()

    assert set(found) == set(PROVIDERS)
    for name, told in found.items():
        assert ProviderSetting.of(name, told).most >= 1


def test_nobody_has_a_key_who_was_given_none(monkeypatch, tmp_path):
    assert [providers()[name]["key"] for name in ("itick", "alltick", "tickdb")] == ["", "", ""]
    (tmp_path / "key").write_text("abc\n")
    monkeypatch.setenv("TICKPACK_ITICK_KEY_FILE", str(tmp_path / "key"))

    assert providers()["itick"]["key"] == "abc"


def test_variables_go_before_what_a_plan_without_payment_has(monkeypatch):
    for name, value in {"MOST": "600", "PER_MINUTE": "600", "SYMBOLS": "600519.SH, 700.HK", "BATCH": "40"}.items():
        monkeypatch.setenv(f"TICKPACK_ITICK_{name}", value)

    told = providers()["itick"]
    assert (told["most"], told["per_minute"], told["symbols"], told["batch"]) == (600, 600, ("600519.SH", "700.HK"), 40)


def test_sina_listens_where_its_socket_is_unless_told_otherwise(monkeypatch):
    monkeypatch.setenv("TICKPACK_SINA_BY", "websocket")
    assert providers()["sina"]["url"] == "wss://hq.sinajs.cn/wskt"

    monkeypatch.setenv("TICKPACK_SINA_URL", "ws://127.0.0.1:1/wskt")
    assert providers()["sina"]["url"] == "ws://127.0.0.1:1/wskt"


@pytest.mark.parametrize(
    ("name", "value"),
    [("TICKPACK_SINA_BY", "carrier pigeon"), ("TICKPACK_ITICK_MOST", "many"), ("TICKPACK_TENCENT_SECONDS", "often"),
     ("TICKPACK_TICKDB_UNITS", "star"), ("TICKPACK_TICKDB_UNITS", "star=dozens")],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_by_name_and_value(monkeypatch, name, value):
    monkeypatch.setenv(name, value)

    with pytest.raises(ImproperlyConfigured, match=name) as refused:
        providers()
    assert value in str(refused.value)
