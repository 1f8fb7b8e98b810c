"""Operators write texts with a preview, fill in the foot of the pages, and announce; each leaves its mark."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission

from content.documents import first_text
from content.models import Announcement, ShopDetails, TextVersion
from content.services import texts
from kernel.clock import utc_now
from tests.factories import NOW, a_customer, a_grant

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
TEXTS, SAID = "/admin/content/textversion/", "/admin/content/announcement/"


@pytest.fixture
def root(client):
    client.force_login(a_customer("root", is_staff=True, is_superuser=True))
    return client


def test_a_text_is_written_after_it_was_looked_at(root):
    form = {"body_en": "## Hello\n\n<b>x</b>", "body_zh": "## 您好", "checked": "on", "note": "short"}
    address = f"{TEXTS}verb/write-terms/"
    begun = root.get(address).text
    assert "These terms hold between you" in begun  # it begins with what is said now
    assert ">Preview</button>" in begun
    assert ">Publish</button>" not in begun

    looked = root.post(address, form).text

    assert ">Preview again</button>" in looked
    assert looked.index(">Preview again</button>") < looked.index(">Publish</button>")
    assert "<h2>Hello</h2>" in looked
    assert "&lt;b&gt;x" in looked
    assert not TextVersion.objects.exists()
    assert root.post(address, {**form, "sure": "yes"}).status_code == 302
    row = TextVersion.objects.get()
    assert (row.page, row.by.email, row.checked) == ("terms", "root@example.com", True)
    assert "write-terms" in LogEntry.objects.get().change_message
    assert "<h2>您好</h2>" in root.get(f"{TEXTS}{row.pk}/change/").text


def write(page, by, day=0, **changes):
    words = {"body_en": "Ours", "body_zh": "本店", "checked": True, "note": "", **changes}
    return texts.write(page=page, by=by, now=NOW + timedelta(days=day), **words)


def test_the_list_says_how_each_page_stands_who_wrote_it_and_where_it_is(root, settings):
    settings.SUPPORT_EMAIL = settings.REPLY_TO_EMAIL = ""
    by = a_customer("writer", is_staff=True)
    write("terms", by)
    write("privacy", by, body_zh=first_text("privacy", "zh"), checked=False)

    page = root.get(TEXTS).text

    rows = {
        name: page[page.index(f'data-testid="page-{name}"') :].split("</li>")[0]
        for name in ("terms", "privacy", "refunds")
    }
    assert "written in both languages" in rows["terms"]
    assert "writer@example.com" in rows["terms"]
    assert 'href="/terms/"' in rows["terms"]
    assert "still empty" not in rows["terms"]
    assert "Chinese is still the first text" in rows["privacy"]
    assert "not checked" in rows["privacy"]
    assert "still empty: Seller, Contact mail" in " ".join(rows["privacy"].split())
    assert "as it came with the program" in rows["refunds"]
    assert "edited by nobody yet" in rows["refunds"]
    assert f"{TEXTS}verb/write-refunds/" in rows["refunds"]


def test_who_may_only_read_is_offered_no_edit(client):
    reader = a_customer("reader", is_staff=True)
    reader.user_permissions.add(Permission.objects.get(codename="view_textversion"))
    client.force_login(reader)

    page = client.get(TEXTS).text

    assert "See the page" in page
    assert "verb/write-terms" not in page


def test_the_form_says_where_the_text_stands_and_what_is_still_empty(root, settings):
    settings.SUPPORT_EMAIL = settings.REPLY_TO_EMAIL = ""
    address = f"{TEXTS}verb/write-refunds/"
    begun = root.get(address).text
    assert "href='/refunds/'" in begun
    assert "beside Pay" in begun
    assert "Nothing is entered for Contact mail {{contact}}" in begun

    looked = root.post(address, {"body_en": "Call {{phone}} or {{nobody}}", "body_zh": "x"}).text
    assert "Nothing is entered for Telephone {{phone}}, nobody {{nobody}}" in looked

    ShopDetails.objects.create(mail="help@shop.example", company="Acme")
    assert "Nothing is entered" not in root.get(address).text


def test_a_version_says_what_changed_and_an_older_one_is_published_again(root):
    by = a_customer("writer", is_staff=True)
    first = write("terms", by, body_en="Same\n\nOld line")
    newest = write("terms", by, day=1, body_en="Same\n\nNew line")
    page = root.get(f"{TEXTS}{newest.pk}/change/").text
    assert "<span class='ops-gone'>- Old line</span>" in page
    assert "<span class='ops-came'>+ New line</span>" in page
    assert "verb/restore" not in page  # it is what the page says

    assert root.post(f"{TEXTS}{first.pk}/verb/restore/").status_code == 302

    now = TextVersion.objects.first()
    assert (now.body_en, now.note, now.by.email) == (
        first.body_en, "as on 2026-11-21 09:00 again", "root@example.com",
    )  # fmt: skip
    assert TextVersion.objects.count() == 3


def test_the_foot_is_filled_in_once(root):
    assert root.post("/admin/content/shopdetails/add/", {"company": "Acme", "icp": "沪ICP备1号"}).status_code == 302

    assert ShopDetails.objects.get().pk == 1
    assert root.get("/admin/content/shopdetails/add/").status_code == 403
    assert root.get("/admin/content/shopdetails/1/change/").status_code == 200


def announcement(**changes):
    usual = {
        "kind": "incident", "title_en": "Late", "title_zh": "延迟", "text_en": "We look.", "text_zh": "排查中。",
        "market": "", "group": "", "starts_at": "", "ends_at": "",
    }  # fmt: skip
    return {**usual, **changes}


def test_an_incident_is_announced_goes_on_and_is_over(root):
    assert root.post(f"{SAID}verb/announce/", announcement(sure="yes")).status_code == 302
    row = Announcement.objects.get()
    said = {"text_en": "Found.", "text_zh": "已定位。"}
    root.post(f"{SAID}{row.pk}/verb/update/", said)
    root.post(f"{SAID}{row.pk}/verb/resolve/", {"text_en": "Over.", "text_zh": "已恢复。"})

    page = root.get(f"{SAID}{row.pk}/change/").text

    assert [one.text_en for one in row.updates.all()] == ["We look.", "Found.", "Over."]
    assert "已定位。" in page
    assert "/verb/update/" not in page  # it is over
    assert LogEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"kind": "planned"}, "Planned work has an end."), ({"ends_at": "2020-01-01T00:00"}, "It ends before it begins.")],
)
def test_times_that_cannot_be_are_said_at_the_field(root, wrong, said):
    answer = root.post(f"{SAID}verb/announce/", announcement(**wrong))

    assert said in answer.text
    assert not Announcement.objects.exists()


def test_an_announcement_is_looked_at_in_both_languages_with_its_reach_before_it_is_sent(root, alice, node):
    a_grant(alice, node, at=utc_now())

    page = root.post(f"{SAID}verb/announce/", announcement(mail="on", market="CN")).text

    assert not Announcement.objects.exists()
    assert "<strong>incident</strong> Late" in page
    assert "<strong>故障</strong> 延迟" in page
    assert "Incident: Late" in page
    assert "故障：延迟" in page
    assert "&quot;type&quot;: &quot;announcement&quot;" in page
    assert "1 customer gets it by mail." in page
    assert "no mail" in root.post(f"{SAID}verb/announce/", announcement()).text


def test_the_end_of_an_incident_is_written_already_and_one_press_says_it(root, announce):
    row = announce(mail=True)

    page = root.get(f"{SAID}{row.pk}/verb/resolve/").text

    assert "Late: this is over since" in page
    assert "延迟：已于" in page
    assert "checked" in page[page.index('name="mail"') :].split(">")[0]
