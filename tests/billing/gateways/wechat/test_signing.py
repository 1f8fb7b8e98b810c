"""What WeChat sent verifies within five minutes, what is altered never; the other library reads what we sign and read."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st
from wechatpayv3 import utils as other

from billing.gateways import rsa, strict_json
from billing.gateways.wechat import signing
from billing.gateways.wechat.signing import NotSigned
from tests.billing.gateways.vectors import WECHAT
from tests.emulators.serving import is_signed, run_key
from tests.emulators.wechat import WechatEmulator
from tests.factories import NOW

SENT_AT = datetime.fromtimestamp(1624523846, UTC)
SERIAL = "D7CE59D1F522D701"
KEYS = {SERIAL: x509.load_pem_x509_certificate(WECHAT["certificate_pem"].encode()).public_key()}
BODY = WECHAT["body"].encode()
KEY = run_key("wechat's merchant").export_key(pkcs=8).decode()


def verify(headers=WECHAT["headers"], body=BODY, now=SENT_AT, keys=KEYS):
    signing.verify(headers=headers, body=body, keys=keys, now=now)


def test_a_notice_that_wechat_sent_verifies_and_opens():
    verify()
    verify({name.upper(): value for name, value in WECHAT["headers"].items()})

    told = strict_json.read_object(signing.decrypt(strict_json.read_object(BODY)["resource"], WECHAT["apiv3_key"]))
    assert (told["mchid"], told["create_time"]) == ("1234567890", "2020-06-30T12:12:00+08:00")


@pytest.mark.parametrize("seconds", [-300, 300, -301, 301, 86400])
def test_five_minutes_away_it_does_not(seconds):
    with pytest.raises(NotSigned, match="too old, or from the future"):
        verify(now=SENT_AT + timedelta(seconds=seconds))
    verify(now=SENT_AT + timedelta(seconds=299))
    verify(now=SENT_AT - timedelta(seconds=299))


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Wechatpay-Serial": "D7CE59D1F522D702"}, "not known here"),
        ({"Wechatpay-Serial": SERIAL.lower()}, "not known here"),
        ({"Wechatpay-Nonce": "another"}, "not signed by WeChat"),
        ({"Wechatpay-Timestamp": "1624523847"}, "not signed by WeChat"),
        ({"Wechatpay-Timestamp": ""}, "no time"),
        ({"Wechatpay-Timestamp": "１６"}, "no time"),
        ({"Wechatpay-Timestamp": "9" * 400}, "no time"),
        ({"Wechatpay-Signature-Type": "WECHATPAY2-SM2-WITH-SM3"}, "another way"),
        ({"Wechatpay-Signature": ""}, "not signed by WeChat"),
        ({"Wechatpay-Signature": "WECHATPAY/SIGNTEST/" + WECHAT["headers"]["Wechatpay-Signature"]}, "not signed"),
    ],
)  # fmt: skip
def test_altered_headers_do_not(changes, why):
    with pytest.raises(NotSigned, match=why):
        verify({**WECHAT["headers"], **changes})


def test_an_altered_body_does_not():
    for body in (BODY + b" ", BODY.replace(b"2021", b"2022"), b""):
        with pytest.raises(NotSigned):
            verify(body=body)


@given(st.dictionaries(st.sampled_from(sorted(WECHAT["headers"])), st.text(max_size=50)))
def test_nothing_that_is_sent_raises_anything_else(headers):
    with pytest.raises(NotSigned):
        verify({**WECHAT["headers"], **headers} if "Wechatpay-Nonce" in headers else headers)


def test_the_published_example_of_encryption():
    told = {
        "algorithm": "AEAD_AES_256_GCM", "nonce": "wCq51qZv4Yfg", "associated_data": "Dl56FrqWQJF1t9LtC3vEUsniZKvbqdR8",
        "ciphertext": "FsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC",
    }  # fmt: skip
    assert signing.decrypt(told, "testAPIv3Key0000") == b"Hello World"
    for changes, why in (
        ({"ciphertext": "AsdXzxryWfKwvLJKf8LG/ToRPTRh8RN9wROC"}, "another key"),
        ({"associated_data": ""}, "another key"),
        ({"algorithm": "none"}, "encrypted by"),
        ({"nonce": None}, "lacks"),
    ):
        with pytest.raises(ValueError, match=why):
            signing.decrypt({**told, **changes}, "testAPIv3Key0000")


def test_a_requests_header_is_signed_as_wechat_reads_it():
    header = signing.authorization(
        method="GET", path="/v3/certificates?a=1", body=b"", mch_id="1900000001", serial="AB", now=NOW, nonce="n" * 32,
        key=rsa.private_key(KEY),
    )  # fmt: skip

    stamp = int(NOW.timestamp())
    start = f'WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="{"n" * 32}",timestamp="{stamp}",serial_no="AB",signature="'
    assert header.startswith(start)
    signed = f"GET\n/v3/certificates?a=1\n{stamp}\n{'n' * 32}\n\n".encode()
    assert is_signed(run_key("wechat's merchant").public_key(), signed, header.removeprefix(start)[:-1])


def test_another_library_signs_the_same(monkeypatch):
    monkeypatch.setattr(other.time, "time", NOW.timestamp)
    theirs = other.build_authorization(
        "/v3/pay", "POST", "1900000001", "AB", other.load_private_key(KEY), data='{"a":1}', nonce_str="n" * 32
    )
    ours = signing.authorization(
        method="POST", path="/v3/pay", body=b'{"a":1}', mch_id="1900000001", serial="AB", key=rsa.private_key(KEY), now=NOW,
        nonce="n" * 32,
    )  # fmt: skip

    assert sorted(theirs.split(" ")[1].split(",")) == sorted(ours.split(" ")[1].split(","))


def test_another_library_verifies_and_opens_the_emulators_notice():
    emulator = WechatEmulator(clock=NOW.timestamp)
    body = emulator.notice("TRANSACTION.SUCCESS", "transaction", {"a": "中"})
    headers = emulator.signed(body)

    told = strict_json.read_object(body)["resource"]
    assert other.rsa_verify(
        headers["Wechatpay-Timestamp"], headers["Wechatpay-Nonce"], body.decode(), headers["Wechatpay-Signature"],
        other.load_public_key(emulator.public_key),
    )  # fmt: skip
    assert (
        other.aes_decrypt(told["nonce"], told["ciphertext"], told["associated_data"], emulator.api_key) == '{"a":"中"}'
    )


def test_what_the_script_in_wechat_is_called_with():
    parameters = signing.bridge_parameters(app_id="wx1", prepay_id="p1", key=rsa.private_key(KEY), now=NOW, nonce="n")

    text = f"wx1\n{int(NOW.timestamp())}\nn\nprepay_id=p1\n".encode()
    assert is_signed(run_key("wechat's merchant").public_key(), text, parameters.pop("paySign"))
    assert parameters == {
        "appId": "wx1", "timeStamp": str(int(NOW.timestamp())), "nonceStr": "n", "package": "prepay_id=p1", "signType": "RSA",
    }  # fmt: skip
