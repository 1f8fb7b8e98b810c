"""Aliyun takes what we sign; its refusals and silences come out as ours; a number stands in no log."""

from datetime import UTC, datetime

import pytest

from accounts import outside, sms
from accounts.domain.phones import Purpose, Why
from accounts.errors import SmsRefused, SmsUnavailable
from accounts.sms.aliyun import canonical_query, signed_headers
from tests.accounts.senders import set_up
from tests.emulators.serving import Fault
from tests.emulators.sms import AliyunSmsEmulator

pytestmark = pytest.mark.whole
NUMBER = "+8613800138000"


@pytest.fixture
def aliyun(settings):
    with AliyunSmsEmulator() as emulator:
        set_up(settings, emulator)
        yield emulator


def send(purpose=Purpose.LOGIN, number=NUMBER, code="482913"):
    return sms.provider().send(number, sms.template(purpose), {"code": code})


def test_the_signature_is_the_one_of_the_published_example():
    # help.aliyun.com, "V3 request structure and signature", the fixed example of RunInstances.
    query = canonical_query(
        {"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}
    )
    headers = signed_headers(
        host="ecs.cn-shanghai.aliyuncs.com",
        action="RunInstances",
        version="2014-05-26",
        query=query,
        key_id="YourAccessKeyId",
        key_secret="YourAccessKeySecret",
        now=datetime(2023, 10, 26, 10, 22, 32, tzinfo=UTC),
        nonce="3156853299f313e23d1673dc12e1703d",
    )

    assert headers["authorization"] == (
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
        "x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"
    )


def test_a_code_reaches_the_phone_with_the_template_of_its_purpose(aliyun):
    first, second = send(Purpose.LOGIN), send(Purpose.PHONE, code="000123")

    assert first.number != second.number
    assert [(one.number, one.template, one.code) for one in aliyun.messages] == [
        ("13800138000", "SMS_154950909", "482913"),
        ("13800138000", "SMS_154950910", "000123"),
    ]


@pytest.mark.parametrize(
    ("setting", "wrong", "code"),
    [
        ("SMS_KEY_SECRET", "another", "SignatureDoesNotMatch"),
        ("SMS_KEY_ID", "LTAIanother", "InvalidAccessKeyId.NotFound"),
        ("SMS_SIGN_NAME", "另一个", "isv.SMS_SIGNATURE_ILLEGAL"),
        ("SMS_TEMPLATE_LOGIN", "SMS_1", "isv.SMS_TEMPLATE_ILLEGAL"),
    ],
)
def test_what_is_wrong_with_the_account_is_the_shop_s_to_mend(aliyun, settings, caplog, setting, wrong, code):
    setattr(settings, setting, wrong)

    with pytest.raises(SmsRefused) as caught:
        send()

    assert caught.value.fields == {"provider": "aliyun", "provider_code": code, "why": Why.SETUP}
    assert code in caplog.text  # an operator has to act
    assert (aliyun.messages, "13800138000" in caplog.text) == ([], False)


def test_a_clock_that_is_wrong_is_refused(aliyun):
    aliyun.clock = lambda: 1_000_000.0

    with pytest.raises(SmsRefused) as caught:
        send()
    assert caught.value.fields["provider_code"] == "InvalidTimeStamp.Expired"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("isv.BUSINESS_LIMIT_CONTROL", Why.LIMIT),
        ("isv.MOBILE_NUMBER_ILLEGAL", Why.NUMBER),
        ("isv.AMOUNT_NOT_ENOUGH", Why.SETUP),
        ("isv.DAY_LIMIT_CONTROL", Why.SETUP),
    ],
)
def test_a_refusal_says_who_acts_and_never_repeats_the_number(aliyun, caplog, code, why):
    aliyun.faults.append(Fault("send", code))

    with pytest.raises(SmsRefused) as caught:
        send()
    assert (caught.value.fields["why"], caught.value.fields["provider_code"]) == (why, code)
    assert "13800138000" not in f"{caught.value!r} {caught.value.as_json()} {caplog.text}"


@pytest.mark.parametrize(
    "fault", ["500", "hang", "garbage", "half", "no_number", "isp.SYSTEM_ERROR", "Throttling.User", "GatewayBusy"]
)
def test_where_nobody_knows_it_says_so(aliyun, monkeypatch, fault):
    monkeypatch.setattr(outside, "TIMEOUT", 0.3)
    aliyun.faults.append(Fault("send", fault))

    with pytest.raises(SmsUnavailable) as caught:
        send()
    assert "13800138000" not in repr(caught.value)
    send()  # and the next one goes out


def test_nobody_there(settings, aliyun):
    settings.SMS_URL = "http://127.0.0.1:9"

    with pytest.raises(SmsUnavailable):
        send()
