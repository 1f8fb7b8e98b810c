"""Tencent takes what we sign; its refusals and silences come out as ours; a number stands in no log."""

from datetime import UTC, datetime

import pytest

from accounts import outside, sms
from accounts.domain.phones import Purpose, Why
from accounts.errors import SmsRefused, SmsUnavailable
from accounts.sms.tencent import signed_headers
from tests.accounts.senders import set_up
from tests.emulators.serving import Fault
from tests.emulators.sms import TencentSmsEmulator

pytestmark = pytest.mark.whole
NUMBER = "+8613800138000"


@pytest.fixture
def tencent(settings):
    with TencentSmsEmulator() as emulator:
        set_up(settings, emulator)
        yield emulator


def send(purpose=Purpose.LOGIN, number=NUMBER, code="482913"):
    return sms.provider().send(number, sms.template(purpose), {"code": code})


def test_the_signature_is_the_one_of_the_published_example():
    # cloud.tencent.com, "signature method v3", the example of DescribeInstances; its keys have asterisks.
    headers = signed_headers(
        host="cvm.tencentcloudapi.com",
        service="cvm",
        action="DescribeInstances",
        version="2017-03-12",
        content=rb'{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}',
        key_id="AKID********************************",
        key_secret="********************************",
        now=datetime.fromtimestamp(1551113065, UTC),
    )

    assert headers["Authorization"] == (
        "TC3-HMAC-SHA256 Credential=AKID********************************/2019-02-25/cvm/tc3_request, "
        "SignedHeaders=content-type;host;x-tc-action, "
        "Signature=10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f"
    )


def test_a_code_reaches_the_phone_with_the_template_of_its_purpose(tencent):
    first, second = send(Purpose.LOGIN), send(Purpose.PHONE, code="000123")

    assert first.number != second.number
    assert [(one.number, one.template, one.code) for one in tencent.messages] == [
        ("13800138000", "1110", "482913"),
        ("13800138000", "1111", "000123"),
    ]


@pytest.mark.parametrize(
    ("setting", "wrong", "code"),
    [
        ("SMS_KEY_SECRET", "another", "AuthFailure.SignatureFailure"),
        ("SMS_KEY_ID", "AKIDanother", "AuthFailure.SecretIdNotFound"),
        ("SMS_SIGN_NAME", "另一个", "FailedOperation.SignatureIncorrectOrUnapproved"),
        ("SMS_TEMPLATE_LOGIN", "1", "FailedOperation.TemplateIncorrectOrUnapproved"),
        ("SMS_APP_ID", "14", "InvalidParameterValue.SdkAppIdNotExist"),
        ("SMS_REGION", "ap-nowhere", "InvalidAction"),
    ],
)
def test_what_is_wrong_with_the_account_is_the_shop_s_to_mend(tencent, settings, caplog, setting, wrong, code):
    setattr(settings, setting, wrong)

    with pytest.raises(SmsRefused) as caught:
        send()

    assert caught.value.fields == {"provider": "tencent", "provider_code": code, "why": Why.SETUP}
    assert code in caplog.text
    assert (tencent.messages, "13800138000" in caplog.text) == ([], False)


def test_a_clock_that_is_wrong_is_refused(tencent):
    tencent.clock = lambda: 1_000_000.0

    with pytest.raises(SmsRefused) as caught:
        send()
    assert caught.value.fields["provider_code"] == "AuthFailure.SignatureExpire"


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("LimitExceeded.PhoneNumberOneHourLimit", Why.LIMIT),
        ("LimitExceeded.DeliveryFrequencyLimit", Why.LIMIT),
        ("LimitExceeded.AppMainlandChinaDailyLimit", Why.SETUP),
        ("InvalidParameterValue.IncorrectPhoneNumber", Why.NUMBER),
        ("FailedOperation.PhoneNumberInBlacklist", Why.NUMBER),
        ("FailedOperation.InsufficientBalanceInSmsPackage", Why.SETUP),
    ],
)
def test_a_refusal_says_who_acts_and_never_repeats_the_number(tencent, caplog, code, why):
    tencent.faults.append(Fault("send", code))

    with pytest.raises(SmsRefused) as caught:
        send()
    assert (caught.value.fields["why"], caught.value.fields["provider_code"]) == (why, code)
    assert "13800138000" not in f"{caught.value!r} {caught.value.as_json()} {caplog.text}"


@pytest.mark.parametrize(
    "fault", ["500", "hang", "garbage", "half", "other_number", "InternalError.Timeout", "RequestLimitExceeded"]
)
def test_where_nobody_knows_it_says_so(tencent, monkeypatch, fault):
    monkeypatch.setattr(outside, "TIMEOUT", 0.3)
    tencent.faults.append(Fault("send", fault))

    with pytest.raises(SmsUnavailable) as caught:
        send()
    assert "13800138000" not in repr(caught.value)
    send()


def test_nobody_there(settings, tencent):
    settings.SMS_URL = "http://127.0.0.1:9"

    with pytest.raises(SmsUnavailable):
        send()
