"""WeChat's keys come from files and from WeChat; new ones are added before old ones go, and none is made by others."""

from datetime import timedelta

import pytest
from django.core.cache import cache

from billing.errors import GatewayUnavailable
from billing.gateways.wechat import certificates
from tests.billing.gateways.wechat.conftest import a_client
from tests.emulators.serving import Fault
from tests.factories import NOW

HOUR = timedelta(hours=1)


def test_a_file_holds_a_public_key_or_a_certificate(tmp_path, wechat):
    serial, pem = wechat.add_certificate()
    (tmp_path / "key.pem").write_text(wechat.public_key)
    (tmp_path / "certificate.pem").write_text(pem)

    assert certificates.key_file("PUB_KEY_ID_01", str(tmp_path / "key.pem")).key_size == 2048
    assert certificates.key_file(serial, str(tmp_path / "certificate.pem")).key_size == 2048
    with pytest.raises(ValueError, match=f"is {serial}, not 12AB"):
        certificates.key_file("12AB", str(tmp_path / "certificate.pem"))
    with pytest.raises(ValueError, match="cannot be read"):
        certificates.key_file("PUB_KEY_ID_01", str(tmp_path / "none.pem"))


def test_they_are_fetched_once_an_hour_and_added_to_what_is_there(wechat):
    client = a_client(wechat, {})
    wechat.signs_with = "certificate"
    first, _ = wechat.add_certificate()

    assert client.refresh(NOW) == 1
    assert client.refresh(NOW + timedelta(minutes=59)) == 0
    assert set(client.known_keys(NOW)) == {first}

    second, _ = wechat.add_certificate()
    wechat.hands_out = [second]  # WeChat changes over: what was signed with the old one is still on its way
    wechat.clock = lambda: (NOW + HOUR).timestamp()
    assert client.refresh(NOW + HOUR) == 1
    assert set(client.known_keys(NOW + HOUR)) == {first, second}
    assert client.known_keys(NOW + timedelta(days=366 * 5)) == {}


def test_what_has_expired_goes_at_the_next_fetching(wechat):
    client = a_client(wechat, {})
    wechat.signs_with = "certificate"
    wechat.add_certificate()
    client.refresh(NOW)
    later = NOW + timedelta(days=366 * 5)
    wechat.clock = later.timestamp
    second, _ = wechat.add_certificate()
    wechat.hands_out = [second]

    client.refresh(later)

    assert [one["serial_no"] for one in cache.get(f"wechat-certificates:{wechat.mch_id}")["data"]] == [second]


@pytest.mark.parametrize("fault", ["502", "forged", "unsigned", "stale", "signtest", "half"])
def test_a_fetching_that_fails_leaves_what_is_there(wechat, fault):
    client = a_client(wechat, {})
    serial, _ = wechat.add_certificate()
    wechat.signs_with = "certificate"
    client.refresh(NOW)
    wechat.faults = [Fault("certificates", fault)]
    wechat.clock = (NOW + HOUR).timestamp

    with pytest.raises(GatewayUnavailable):
        client.refresh(NOW + HOUR)
    assert set(client.known_keys(NOW + HOUR)) == {serial}
    assert client.refresh(NOW + HOUR) == 1  # it is tried again at once


def test_new_merchants_have_none_and_lose_none(wechat, client):
    assert client.refresh(NOW) == 0
    assert set(client.known_keys(NOW)) == {wechat.public_key_id}


def test_who_can_write_into_the_store_makes_no_key(wechat, client, caplog):
    stranger = type(wechat)(clock=NOW.timestamp)
    serial, _ = stranger.add_certificate()
    certificates.keep(wechat.mch_id, [stranger._certificate(serial)], NOW)

    assert set(client.known_keys(NOW)) == {wechat.public_key_id}
    assert "cannot be used" in caplog.text


def test_what_is_no_list_of_certificates():
    for data in (None, [{}], [{"serial_no": "A", "effective_time": "x", "expire_time": "y"}], [{"effective_time": 1}]):
        with pytest.raises(ValueError):
            certificates.read_certificates(data, "k" * 32, NOW)
