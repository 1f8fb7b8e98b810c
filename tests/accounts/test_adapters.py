"""Who signs up is written to in the language of the page where they did; what is no password."""

import re

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core import mail
from django.core.exceptions import ValidationError

from accounts.models import Customer
from kernel.clock import utc_now
from outbox.models import MailRecord, SuppressedAddress
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


def test_an_account_mail_has_the_frame_of_all_and_is_recorded_with_its_id(client):
    alice = a_customer("alice", language="zh-hans")

    client.post("/accounts/password/reset/", {"email": "alice@example.com"}, headers={"accept-language": "en"})

    [sent] = mail.outbox
    record = MailRecord.objects.get()
    [(html, kind)] = sent.alternatives
    assert (record.customer, record.kind, record.state, record.language) == (alice, "account", "sent", "zh-hans")
    assert sent.message()["Message-ID"] == f"<{record.message_id}>"
    assert kind == "text/html"
    assert '<html lang="zh-hans">' in html
    link = next(word for word in sent.body.split() if "/password/reset/key/" in word)
    assert f'href="{link}"' in html


def test_the_link_that_confirms_can_be_pressed_in_both_languages(client):
    for number, language in enumerate(("en", "zh-CN")):
        sign_up(client, f"alice{number}@example.com", **{"accept-language": language})
        link = next(word for word in mail.outbox[-1].body.split() if "/confirm-email/" in word)
        assert link.startswith("http")
        assert f'href="{link}"' in mail.outbox[-1].alternatives[0][0]
        client.logout()


def test_an_address_that_is_confirmed_by_its_mail_works_again(client):
    sign_up(client, "alice@example.com")
    SuppressedAddress.objects.create(address="alice@example.com", reason="r", since_at=utc_now())
    link = next(word for word in mail.outbox[0].body.split() if "/confirm-email/" in word)

    client.post(link.split("testserver", 1)[1])

    assert not SuppressedAddress.objects.exists()


@pytest.mark.parametrize(("language", "confirm", "reset"), [("en", "Confirm the address", "Choose a new password"),
                                                           ("zh-hans", "确认邮箱", "设置新密码")])  # fmt: skip
def test_a_mail_with_a_link_has_it_as_a_button_and_once_to_copy(client, language, confirm, reset):
    client.cookies["django_language"] = language
    sign_up(client, "alice@example.com", **{"accept-language": language})
    client.logout()
    client.post("/accounts/password/reset/", {"email": "alice@example.com"})

    labels, said = [], []
    for sent in mail.outbox:
        [link] = [word for word in sent.body.split() if word.startswith("http")]
        html = sent.alternatives[0][0]
        labels.append(re.search(rf'<a href="{link}" style="[^"]*">([^<]+)</a>', html).group(1))
        said.append(html.count(f">{link}<"))
        assert "alice@example.com" in html or "/password/reset/key/" in link
    assert labels == [confirm, reset]
    assert said == [1, 1]
