"""The newest version of a text is what a page says; announcements reach whom they concern, each once."""

from datetime import timedelta

import pytest
from django.utils import translation

from content import selectors
from content.models import Page, ShopDetails
from content.services import announcing, texts
from tests.factories import NOW, a_customer, a_grant, a_group, a_node, a_past_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.mark.parametrize("page", Page.values)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_has_a_first_text_which_is_called_a_template(page, language):
    found = selectors.text_of(page, language)

    assert len(found.body) > 150
    assert (found.checked, found.at) == (False, None)
    assert "{{" not in found.html()


def test_chinese_texts_have_no_half_width_stops_and_break_no_word_for_bars():
    for page in Page.values:
        text = selectors.text_of(page, "zh").body
        assert "K 线" not in text, page
        for sign in (", ", "; ", "? "):
            assert sign not in text, (page, sign)


def test_the_newest_version_is_shown_in_the_reader_s_language(operator):
    for nth, body in enumerate(("first", "second")):
        at = NOW + timedelta(hours=nth)
        texts.write(page="terms", body_en=body, body_zh=f"{body} 中", checked=nth == 1, note="", by=operator, now=at)

    with translation.override("zh-hans"):
        found = selectors.text_of("terms")

    assert (found.body, found.checked, found.at) == ("second 中\n", True, NOW + timedelta(hours=1))


def test_the_seller_stands_in_the_texts(settings):
    ShopDetails.objects.create(company="Acme *Data*", mail="help@acme.example")

    assert "Acme *Data*" in selectors.text_of("terms", "en").html()
    assert "help@acme.example" in selectors.text_of("refunds", "en").html()


def test_without_a_contact_answers_to_mails_are_where_to_write(settings):
    settings.REPLY_TO_EMAIL = "reply@shop.example"

    assert selectors.details().mail == "reply@shop.example"


def test_customers_hear_what_concerns_them_and_visitors_all(announce, alice, node, keys_dir):
    a_grant(alice, node, at=NOW)
    other = a_group("bj")
    announce(title="all")
    announce(title="here", group=node.group)
    announce(title="elsewhere", group=other)

    def titles(customer=None):
        return {one.title for one in selectors.shown(NOW, customer)}

    assert titles() == {"all", "here", "elsewhere"}
    assert titles(alice) == {"all", "here"}
    assert titles(a_customer("mallory")) == {"all", "here", "elsewhere"}


def test_who_has_something_in_force_in_the_scope_is_concerned_once(announce, alice, node, keys_dir):
    a_grant(alice, node, at=NOW)
    a_grant(alice, node, at=NOW, plan="pack-15")
    a_past_grant(a_customer("bob"), node)
    elsewhere = a_customer("carol")
    a_grant(elsewhere, a_node("bj-1", group=a_group("bj")), at=NOW)
    gone = a_customer("gone")
    a_grant(gone, node, at=NOW)
    type(gone).objects.filter(pk=gone.pk).update(is_active=False)

    assert selectors.concerned(announce(title="1", market="HK", group=node.group), NOW) == [alice]
    assert selectors.concerned(announce(title="2"), NOW) == [alice, elsewhere]


def test_the_history_has_ninety_days_and_what_is_still_open(announce, operator):
    old = announce(title="old", now=NOW - timedelta(days=91))
    announcing.update(
        announcement=old, text_en="x", text_zh="x", resolves=True, by=operator, now=NOW - timedelta(days=91)
    )
    announce(title="old and open", now=NOW - timedelta(days=200))
    announce(title="new", now=NOW - timedelta(days=89))

    assert [one.title for one in selectors.history(NOW)] == ["new", "old and open"]


def test_pages_that_nobody_has_checked_are_named_in_the_order_of_the_menu(operator):
    words = {"body_en": "a", "body_zh": "b", "note": "", "by": operator}
    texts.write(page="privacy", checked=False, now=NOW, **words)
    texts.write(page="refunds", checked=False, now=NOW, **words)
    texts.write(page="refunds", checked=True, now=NOW, **words)

    assert selectors.unchecked_pages() == ["terms", "privacy", "contact", "questions"]
    assert selectors.newest_versions()["refunds"].checked
