"""A letter becomes a mail with two forms that say the same, a sender for what comes back, and a way out where it has one."""

from dataclasses import replace

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.utils import translation

from outbox.transports.mail import Attachment, Envelope, Letter, compose, own_host, send

LETTER = Letter(
    to="alice@example.com",
    subject="Pack 5 is ready",
    paragraphs=("Your payment has arrived.", "Two lines:\n<b>here</b>"),
    facts=(("Amount", "10.00 CNY"), ("Ends", "21 Dec 2026 09:00:00 (Shanghai time, UTC+8)")),
    button=("Token and address", "https://shop.example/purchases/1/"),
    after=("The receipt is attached.",),
    attachments=(Attachment("r.pdf", "application/pdf", b"%PDF-1"),),
    about="You ordered.",
)


def forms(message):
    """The plain text and the HTML of a mail."""
    [(html, kind)] = message.alternatives
    assert kind == "text/html"
    return message.body, html


def test_both_forms_say_everything():
    plain, html = forms(compose(LETTER, Envelope()))

    assert "Pack 5 is ready" in html  # the plain one has it above itself
    for text in ("Your payment has arrived.", "10.00 CNY", "21 Dec 2026 09:00:00 (Shanghai time, UTC+8)",
                 "https://shop.example/purchases/1/", "Token and address", "The receipt is attached.", "You ordered."):  # fmt: skip
        assert text in plain
        assert text in html


def test_html_shows_what_people_write_and_runs_nothing():
    plain, html = forms(compose(LETTER, Envelope()))

    assert "<b>here</b>" in plain
    assert "&lt;b&gt;here&lt;/b&gt;" in html
    assert "<img" not in html
    assert "<script" not in html
    assert "<link" not in html


def test_a_mail_is_sent_from_the_shop_and_comes_back_to_the_bounce_address(settings):
    settings.DEFAULT_FROM_EMAIL, settings.REPLY_TO_EMAIL = "Tickpack <no-reply@shop.example>", "help@shop.example"
    settings.BOUNCE_EMAIL = "bounces@shop.example"

    send(LETTER, Envelope(message_id="1@shop.example"))

    [sent] = mail.outbox
    raw = sent.message()
    assert (sent.from_email, raw["From"]) == ("bounces@shop.example", "Tickpack <no-reply@shop.example>")
    assert (raw["Reply-To"], raw["Message-ID"]) == ("help@shop.example", "<1@shop.example>")
    assert raw["Auto-Submitted"] == "auto-generated"
    assert own_host() == "shop.example"
    assert sent.attachments[0].filename == "r.pdf"


def test_only_a_mail_with_a_way_out_has_one():
    without, stop = compose(LETTER, Envelope()), "https://shop.example/mails/stop/1/"
    within = compose(LETTER, Envelope(stop_url=stop))

    assert without.message()["List-Unsubscribe"] is None
    assert within.message()["List-Unsubscribe"] == f"<{stop}>"
    assert within.message()["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert all(stop in form for form in forms(within))
    assert not any("mails/stop" in form for form in forms(without))


@pytest.mark.parametrize(
    ("language", "said", "lang"), [("en", "No more reminders", "en"), ("zh-hans", "不再接收此类提醒", "zh-hans")]
)
def test_the_frame_is_in_the_readers_language(language, said, lang):
    with translation.override(language):
        plain, html = forms(compose(LETTER, Envelope(stop_url="https://shop.example/s/")))

    assert said in plain
    assert f'<html lang="{lang}">' in html


def test_a_subject_is_one_line():
    two = Letter(to="a@example.com", subject="one\ntwo", paragraphs=())

    assert compose(two, Envelope()).subject == "one two"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_link_and_word_can_be_read_in_light_and_dark(browser, scheme):
    """In the dark a browser's own lilac stood on our white card."""
    letter = replace(LETTER, paragraphs=("See https://shop.example/status/ for more.",))
    context = browser.new_context(color_scheme=scheme)
    page = context.new_page()
    page.set_content(forms(compose(letter, Envelope(stop_url="https://shop.example/stop")))[1])

    assert [
        one["nodes"][0]["html"] for one in Axe().run(page).response["violations"] if one["id"] == "color-contrast"
    ] == []
    (colour,) = page.locator("a[href$='/status/']").evaluate_all(
        "found => found.map((one) => getComputedStyle(one).color)"
    )
    assert colour == "rgb(11, 92, 86)"
    context.close()
