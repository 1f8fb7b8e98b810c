"""Who comes in finds the way: log in or sign up, what was chosen goes along, and a password can be looked at."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

import content
from tests.factories import a_plan

pytestmark = [pytest.mark.whole]
DOORS = r'<nav class="enter"[^>]*>(.*?)</nav>'


def doors(answer):
    return re.search(DOORS, answer.text, re.DOTALL)[1].replace("&amp;", "&")


@pytest.mark.django_db
def test_a_buyer_without_an_account_is_offered_one_at_once_and_keeps_the_choice(client, node):
    a_plan()

    page = client.post(
        "/subscribe/",
        {"plan": "pack-5", "months": "2", "kind": "stack", "node": node.slug, "key": "a" * 32},
        follow=True,
    )

    assert page.redirect_chain[-1][0].startswith("/accounts/login/?next=")
    assert "I am new here" in doors(page)
    assert "What you have chosen is kept" in page.text
    (new,) = re.findall(r'href="(/accounts/signup/[^"]+)"', doors(page))
    signing_up = client.get(new)
    assert "What you have chosen is kept" in signing_up.text
    (known,) = re.findall(r'href="(/accounts/login/[^"]+)"', doors(signing_up))
    assert "pack-5" in new
    assert "pack-5" in known
    assert re.search(r'name="next" value="/subscribe/\?[^"]*pack-5', signing_up.text)


@pytest.mark.django_db
def test_who_comes_without_a_choice_is_told_of_none(client):
    page = client.get("/accounts/login/")

    assert "I am new here" in doors(page)
    assert "What you have chosen" not in page.text


@pytest.mark.parametrize(
    ("address", "fields"), [("/accounts/login/", 1), ("/accounts/signup/", 1), ("/accounts/password/change/", 3)]
)
def test_a_password_can_be_looked_at_and_goes_off_as_one(request, address, fields):
    one = request.getfixturevalue("buyer" if "change" in address else "page")
    one.goto(address)
    buttons = one.locator("[data-reveal]")
    expect(buttons).to_have_count(fields)
    field = one.locator(".password input").first
    field.fill("correct horse")

    field.press("Tab")
    expect(buttons.first).to_be_focused()
    one.keyboard.press("Space")
    expect(field).to_have_attribute("type", "text")
    expect(buttons.first).to_have_attribute("aria-pressed", "true")
    expect(field).to_have_value("correct horse")
    one.keyboard.press("Enter")
    expect(field).to_have_attribute("type", "password")
    expect(buttons.first).to_have_attribute("aria-pressed", "false")

    buttons.first.click()
    field.evaluate("one => one.form.addEventListener('submit', (event) => event.preventDefault())")
    field.evaluate("one => { one.form.noValidate = true; one.form.requestSubmit(); }")
    expect(field).to_have_attribute("type", "password")


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "said"), [("en", "Show: Password"), ("zh-hans", "显示：密码")])
def test_the_button_says_in_both_languages_which_password_it_shows(client, language, said):
    assert f'aria-label="{said}"' in client.get("/accounts/login/", headers={"accept-language": language}).text


@pytest.mark.django_db
@pytest.mark.parametrize("address", ["/balance/", "/fapiao/", "/help/"])
def test_the_menu_leads_to_money_papers_and_help_and_marks_where_one_is(client, alice, address):
    client.force_login(alice)

    menu = re.search(r'<nav aria-label="Main">(.*?)</nav>', client.get(address).text, re.DOTALL)[1]
    side = re.search(r'<nav class="side".*?</nav>', client.get("/account/").text, re.DOTALL)[0]

    assert re.findall(r'href="([^"]+)" aria-current="page"', menu) == [address]
    assert f'href="{address}"' in side


@pytest.mark.django_db
def test_a_visitors_menu_names_no_page_that_asks_to_log_in(client, alice):
    def menu():
        return re.findall(r'<nav aria-label="Main">(.*?)</nav>', client.get("/").text, re.DOTALL)[0]

    assert 'href="/live/"' not in menu()
    client.force_login(alice)
    assert 'href="/live/"' in menu()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_promised_without_an_account_needs_none(language):
    text = (Path(content.__file__).parent / "documents" / f"questions.{language}.md").read_text()
    (said,) = [line for line in text.splitlines() if "(/live/)" in line]

    before = said.split("/live/")[0]
    assert "(/)" in before
    assert ("logged in" if language == "en" else "登录后") in said
