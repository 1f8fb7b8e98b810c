"""Terms, privacy, refund rules, contact and questions: the seller's words, in the reader's language, linked where needed."""

import pytest

from content.models import ShopDetails
from content.services import texts
from kernel.clock import utc_now
from tests.factories import a_customer, a_node

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
PAGES = ("terms", "privacy", "refunds", "contact", "questions")


def look(client, path, language="en"):
    answer = client.get(path, headers={"accept-language": language})
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_each_is_there_from_the_beginning_and_says_that_it_is_a_template(client, page, language):
    text = look(client, f"/{page}/", language)

    assert 'data-testid="template-note"' in text
    assert ("模板" if language == "zh-hans" else "template") in text


@pytest.mark.parametrize("page", PAGES)
def test_what_the_seller_has_checked_stands_there_instead(client, page):
    words = {"body_en": "## Ours\n\n<script>x</script>", "body_zh": "## 本店"}
    texts.write(page=page, **words, checked=True, note="", by=a_customer("seller"), now=utc_now())

    text = look(client, f"/{page}/")

    assert "Ours" in text
    assert "<script>x" not in text
    assert "template-note" not in text
    assert "本店" in look(client, f"/{page}/", "zh-hans")


def test_contact_says_how_to_reach_the_seller_or_that_nobody_has_said(client, settings):
    settings.REPLY_TO_EMAIL = settings.SUPPORT_EMAIL = settings.SHOP_PHONE = ""
    assert "has not entered yet how to be reached" in look(client, "/contact/")

    ShopDetails.objects.create(mail="help@acme.example", phone="+86 21 1234", company="Acme", icp="沪ICP备1号")

    text = look(client, "/contact/")
    assert "has not entered" not in text
    assert 'href="mailto:help@acme.example"' in text
    assert 'href="tel:+86211234"' in text
    ways = text[text.index('<dl class="ways">') :].split("</dl>")[0]
    assert "Acme" in ways
    assert "沪ICP备1号" in ways


def test_contact_takes_its_address_from_settings_where_nobody_entered_one(client, settings):
    settings.SUPPORT_EMAIL, settings.SHOP_PHONE = "support@shop.example", "021 5555"
    text = look(client, "/contact/")

    assert 'href="mailto:support@shop.example"' in text
    assert 'href="tel:0215555"' in text


@pytest.mark.parametrize(("language", "hours"), [("en", "within one working day"), ("zh-hans", "一个工作日内答复")])
def test_the_first_text_of_contact_is_of_use_without_an_edit(client, language, hours):
    text = look(client, "/contact/", language).split("<footer")[0]

    assert hours in text
    for page in ("/help/", "/questions/", "/refunds/", "/fapiao/", "/status/", "/carried/", "/account/"):
        assert f'href="{page}"' in text, page


def test_sign_up_names_what_one_accepts(client):
    sign_up = look(client, "/accounts/signup/")

    assert 'href="/terms/"' in sign_up.split("<footer")[0]
    assert 'href="/privacy/"' in sign_up.split("<footer")[0]


def test_before_paying_terms_and_refund_rules_are_named(client, keys_dir):
    from billing.services.plans import seed_plans

    seed_plans()
    a_node(last_seen_at=utc_now())
    choice = client.get("/subscribe/choice?plan=pack-5").text

    assert 'By paying you accept the <a href="/terms/">terms of service</a>' in choice
    assert '<a href="/refunds/">refund rules</a>' in choice
