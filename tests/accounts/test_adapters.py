"""Who signs up is written to in the language of the page where they did; what is no password."""

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError

from accounts.models import Customer
from tests.factories import PASSWORD, a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


def sign_up(client, email, **headers):
    return client.post("/accounts/signup/", {"email": email, "password1": PASSWORD}, headers=headers)


@pytest.mark.parametrize(
    ("asks_for", "language"), [("zh-CN,zh;q=0.9", "zh-hans"), ("en-GB", "en"), ("fr", "en")], ids=["zh", "en", "fr"]
)
def test_a_new_person_has_the_language_of_the_page(client, asks_for, language):
    sign_up(client, "alice@example.com", **{"accept-language": asks_for})

    assert Customer.objects.get().language == language


def test_the_language_chosen_on_the_page_weighs_more_than_the_browsers(client, settings):
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "zh-hans"

    sign_up(client, "alice@example.com", **{"accept-language": "en"})

    assert Customer.objects.get().language == "zh-hans"


def test_the_mail_that_confirms_an_address_is_in_that_language(client):
    sign_up(client, "alice@example.com", **{"accept-language": "zh-CN"})

    [sent] = mail.outbox
    assert "您好" in sent.body


def test_a_known_persons_mail_is_in_their_language_whoever_asks_for_it(client):
    a_customer("alice", language="zh-hans")

    client.post("/accounts/password/reset/", {"email": "alice@example.com"}, headers={"accept-language": "en"})

    [sent] = mail.outbox
    assert "您好" in sent.body


@pytest.mark.parametrize("password", [" " * 8, "\u3000" * 12, "aaaa bbbb", "        ab", "abcdabcdabcd"])
def test_few_different_characters_are_no_password(password):
    with pytest.raises(ValidationError) as refused:
        validate_password(password)
    assert "password_too_uniform" in {error.code for error in refused.value.error_list}


@pytest.mark.parametrize("password", ["correct horse battery", "蓝天白云一二三四", "x7 k9 q2 m4"])
def test_ordinary_ones_are(password):
    validate_password(password)
