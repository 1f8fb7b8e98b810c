"""A number is read in any writing, a wrong one is named, and nothing is sent before the question was answered."""

import re

import pytest
from django.core.cache import cache

from accounts import captcha
from accounts.forms import AddPhoneForm, PhoneNumberField, ProvePhoneForm, RequestCodeForm
from tests.factories import a_customer

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def nothing_is_used_up():
    cache.clear()


def answered(**said):
    question = captcha.new_question()
    return {"digits_question": question, "digits": captcha.digits_of(question), **said}


def test_a_number_comes_out_in_one_way_and_a_wrong_one_is_named():
    assert PhoneNumberField().clean(" 138-0013 8000 ") == "+8613800138000"
    with pytest.raises(Exception, match="12345") as caught:
        PhoneNumberField().clean("12345")
    assert caught.value.code == "invalid_phone"


@pytest.mark.parametrize("form", [RequestCodeForm, AddPhoneForm])
def test_without_the_digits_it_is_not_valid(form):
    assert form(answered(phone="13800138000")).is_valid()
    for wrong in ({"digits": "00000"}, {"digits": ""}, {"digits_question": ""}, {"digits_question": "x"}):
        assert set(form(answered(phone="13800138000") | wrong).errors) == {"digits"}, wrong


def test_each_time_it_is_shown_it_asks_anew_and_can_be_heard():
    form = RequestCodeForm(answered(phone="13800138000", digits="1"))

    first, second = form.as_p(), form.as_p()

    asked = [re.search(r'name="digits_question" value="([^"]+)"', one).group(1) for one in (first, second)]
    assert asked[0] != asked[1]
    assert f'src="/accounts/question/{asked[0]}.wav"' in first
    assert not re.search(r"\son\w+=|style=|<script", first)  # our policy lets nothing inline run


def test_a_code_is_for_whom_the_number_belongs_to(django_user_model):
    alice = a_customer("alice", phone="+8613800138000", phone_verified_at="2026-11-28T00:00Z")
    asked = RequestCodeForm(answered(phone="138 0013 8000")), RequestCodeForm(answered(phone="13900139000"))

    assert [(one.is_valid(), one._user) for one in asked] == [(True, alice), (True, None)]


def test_the_number_that_is_there_already_is_said():
    form = AddPhoneForm(answered(phone="13800138000"), phone="+8613800138000", user=None)

    assert set(form.errors) == {"phone"}


def test_a_right_code_also_proves_a_number_that_another_account_has():
    a_customer("bob", phone="+8613800138000", phone_verified_at="2026-11-28T00:00Z")
    alice = a_customer("alice")

    right = ProvePhoneForm({"code": "482913"}, code="482913", phone="+8613800138000", user=alice)
    wrong = ProvePhoneForm({"code": "482914"}, code="482913", phone="+8613800138000", user=alice)

    assert (right.is_valid(), wrong.is_valid()) == (True, False)
