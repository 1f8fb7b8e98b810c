"""A question counts once and for ten minutes; nobody reads its answer out of it, and both its forms are made here."""

import io
import struct
import wave

import pytest
from django.core import signing
from django.core.cache import cache

from accounts import captcha

pytestmark = pytest.mark.whole


@pytest.fixture(autouse=True)
def nothing_is_used_up():
    cache.clear()


def test_the_right_digits_are_right_once():
    question = captcha.new_question()
    digits = captcha.digits_of(question)
    assert (len(digits), digits.isdecimal()) == (5, True)

    assert captcha.is_right(question, f" {digits[:2]} {digits[2:]} ")
    assert not captcha.is_right(question, digits)


def test_a_wrong_answer_uses_the_question_up():
    question = captcha.new_question()
    digits = captcha.digits_of(question)

    assert not captcha.is_right(question, "0000" if digits[0] == "1" else "11111")
    assert not captcha.is_right(question, digits)


def test_what_was_not_asked_here_or_too_long_ago_is_no_question(monkeypatch):
    question = captcha.new_question()
    digits = captcha.digits_of(question)
    monkeypatch.setattr(captcha, "GOOD_FOR_SECONDS", -1)
    assert not captcha.is_right(question, digits)
    monkeypatch.undo()

    for made_up in ("", "x", question[:-1], signing.dumps("abc", salt="another")):
        assert not captcha.is_right(made_up, digits)
        with pytest.raises(ValueError, match="question"):
            captcha.picture(made_up)


@pytest.mark.parametrize("answer", ["", "x", "\u0661\u0662\u0663\u0664\u0665", "é" * 400])
def test_strange_answers_are_wrong_ones(answer):
    assert not captcha.is_right(captcha.new_question(), answer)


def test_the_digits_do_not_stand_in_the_question_and_follow_the_shop_s_key(settings):
    questions = [captcha.new_question() for _ in range(50)]
    assert len({captcha.digits_of(one) for one in questions}) > 40
    number = signing.loads(questions[0], salt="accounts.captcha")
    before = captcha.digits_of(questions[0])

    settings.SECRET_KEY = "another" * 10
    assert captcha.digits_of(signing.dumps(number, salt="accounts.captcha")) != before


def test_it_is_drawn_and_spoken():
    question = captcha.new_question()

    drawn, spoken = captcha.picture(question), captcha.sound(question)

    assert (drawn[:8], struct.unpack(">II", drawn[16:24])) == (b"\x89PNG\r\n\x1a\n", (180, 64))
    with wave.open(io.BytesIO(spoken)) as file:
        assert file.getnframes() / file.getframerate() > 2
