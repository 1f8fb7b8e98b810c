"""A developer's messages stand in the log; where real people are meant the console is refused."""

import pytest

from accounts import sms
from accounts.domain.phones import Purpose


@pytest.fixture
def shop(settings):
    settings.SMS_PROVIDER = "console"
    return settings


def test_a_code_stands_in_the_log_and_the_number_does_not(shop, caplog):
    sms.provider().send("+8613800138000", sms.template(Purpose.LOGIN), {"code": "482913"})

    assert "138****8000" in caplog.text
    assert "code 482913" in caplog.text
    assert "13800138000" not in caplog.text


def test_it_is_none_on_a_server(shop):
    shop.EMBEDDED = shop.DEBUG = False

    assert not sms.is_on()
    assert ["console" in sentence for sentence in sms.missing()] == [True]
