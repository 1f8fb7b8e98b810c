"""Half a provider is told by a sentence for each setting; without one nothing is on."""

import pytest

from accounts import sms

SETTINGS = ("SMS_KEY_ID", "SMS_KEY_SECRET", "SMS_SIGN_NAME", "SMS_TEMPLATE_LOGIN", "SMS_TEMPLATE_PHONE", "SMS_APP_ID")


@pytest.fixture
def shop(settings):
    for name in SETTINGS:
        setattr(settings, name, "")
    return settings


@pytest.mark.parametrize(("provider", "wanted"), [("aliyun", SETTINGS[:-1]), ("tencent", SETTINGS)])
def test_each_setting_that_lacks_is_a_sentence(shop, provider, wanted):
    shop.SMS_PROVIDER = provider

    sentences = sms.missing()

    assert len(sentences) == len(wanted)
    for name in wanted:
        assert [name in sentence for sentence in sentences].count(True) == 1, name
    assert not sms.is_on()


def test_a_whole_one_is_on_and_no_sentence_shows_a_secret(shop):
    for name in SETTINGS:
        setattr(shop, name, "s3cret")
    shop.SMS_PROVIDER = "tencent"
    assert (sms.missing(), sms.is_on()) == ([], True)

    shop.SMS_SIGN_NAME = shop.SMS_KEY_ID = ""
    assert "s3cret" not in str(sms.missing())
    assert "s3cret" not in repr(sms.account.account("https://x"))


@pytest.mark.parametrize(("price", "cap"), [(0, 100), (-5, 100), (5, 4), (5, 0)])
def test_a_price_or_a_cap_that_lets_nothing_out_is_said(shop, price, cap):
    shop.SMS_PROVIDER, shop.SMS_PRICE_FEN, shop.SMS_DAILY_CAP_FEN = "console", price, cap

    assert len(sms.missing()) == 1


def test_none_is_none(shop):
    shop.SMS_PROVIDER = "none"

    assert (sms.missing(), sms.is_on()) == ([], False)
