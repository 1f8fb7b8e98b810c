"""The page of API keys: a key is shown in the answer to the form alone, and its owner revokes it."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import ApiKey
from accounts.services import MOST_KEYS, create_api_key, use_api_key
from kernel.clock import utc_now
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
PAGE = "/account/keys/"


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def shown(answer):
    return re.findall(r"tpk_[0-9A-Za-z]{40}", answer.text)


def test_a_key_is_shown_once_and_works(browser, alice):
    assert "No key works at present." in browser.get(PAGE).text

    answer = browser.post(PAGE, {"name": "bot", "scopes": ["read", "orders"], "days": "30"})

    (text,) = shown(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    key = use_api_key(text, now=utc_now())
    assert (key.customer, key.name, key.scopes) == (alice, "bot", ["read", "orders"])
    assert key.expires_at - key.created_at == timedelta(days=30)
    again = browser.get(PAGE)
    assert (shown(again), key.prefix in again.text, "bot" in again.text) == ([], True, True)


def test_a_key_may_work_until_it_is_revoked(browser):
    browser.post(PAGE, {"name": "bot", "scopes": ["tokens"], "days": ""})

    assert ApiKey.objects.get().expires_at is None


@pytest.mark.parametrize("form", [{}, {"name": "bot"}, {"scopes": ["read"]}, {"name": "b", "scopes": ["all"]},
                                  {"name": "b" * 61, "scopes": ["read"]}, {"name": "b", "scopes": ["read"], "days": "7"}])  # fmt: skip
def test_a_form_that_is_not_whole_makes_none(browser, form):
    answer = browser.post(PAGE, form)

    assert (answer.status_code, shown(answer), ApiKey.objects.count()) == (422, [], 0)


def test_as_many_as_there_may_be_is_said(browser, alice):
    for _ in range(MOST_KEYS):
        create_api_key(customer=alice, name="n", scopes=["read"], now=utc_now())

    answer = browser.post(PAGE, {"name": "bot", "scopes": ["read"]})

    assert (answer.status_code, shown(answer)) == (422, [])
    assert "You have 10 keys that work" in answer.text


def test_its_owner_revokes_it_and_nobody_else(browser, alice):
    key, text = create_api_key(customer=alice, name="n", scopes=["read"], now=utc_now())
    mallory = Client()
    mallory.force_login(a_customer("mallory"))

    assert mallory.post(f"{PAGE}{key.pk}/revoke").status_code == 404
    assert use_api_key(text, now=utc_now()) == key
    answer = browser.post(f"{PAGE}{key.pk}/revoke", follow=True)

    assert f"The key {key.prefix}… is revoked" in answer.text
    assert ApiKey.objects.get().revoked_at is not None
    assert browser.get(f"{PAGE}{key.pk}/revoke").status_code == 405


def test_a_forged_form_makes_none(alice):
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)

    assert strict.post(PAGE, {"name": "bot", "scopes": ["read"]}).status_code == 403
    assert not ApiKey.objects.exists()


def test_the_page_speaks_chinese(browser):
    text = browser.get(PAGE, headers={"Accept-Language": "zh-hans"}).text

    assert "API 密钥" in text
    assert "读取您拥有的权益" in text
