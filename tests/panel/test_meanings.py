"""A short text that means two things has a context for each; Django's own texts keep the meaning they have there."""

from pathlib import Path

import django
import polib
import pytest
from django.apps import apps
from django.utils import translation

from ops.home import AREAS

ROOT = Path(__file__).resolve().parents[2]
PO = ROOT / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
# Said otherwise than Django says them, and meant alike.
SAID_OUR_WAY = {
    "active", "group", "groups", "Administration", "Email", "Email address", "Filters", "Log out", "Remove", "email address",
    "Your password can’t be a commonly used password.", "Your password can’t be entirely numeric.",
    "Your password can’t be too similar to your other personal information.",
    "The password is too similar to the %(verbose_name)s.", "This password is entirely numeric.",
    "This password is too common.",
}  # fmt: skip
COLUMNS = {
    "accounts.Customer.is_active": "启用", "billing.Coupon.active": "启用", "billing.TrialOffer.active": "启用",
    "billing.Commission.due_at": "可入账时间", "billing.Dispute.ended_at": "结束时间",
    "billing.Dispute.opened_at": "发起时间", "billing.FapiaoRequest.ended_at": "结束时间",
    "billing.FapiaoRequest.issued_at": "开票时间", "billing.GrantClosure.closed_at": "终止时间",
    "billing.Plan.symbols": "证券数", "billing.Purchase.settled_at": "结算时间", "billing.Refund.done_at": "退款时间",
    "content.ShopDetails.company": "公司名称", "nodes.DeliveredMonth.due": "应送", "nodes.Delivered.sent": "已送",
    "nodes.LineSwitch.after": "切换后", "nodes.Node.group": "节点组", "outbox.MailRecord.sent_at": "发送时间",
    "outbox.MailRecord.to": "收件人", "outbox.Outbox.due_at": "应投递时间", "support.Ticket.opened_at": "提出时间",
    "support.TicketMessage.by": "撰写人", "accounts.SmsMessage.purpose": "用途",
}  # fmt: skip
CHOICES = {
    "billing.Dispute.state": {"open": "处理中", "won": "胜诉", "lost": "败诉"},
    "billing.PaymentAttempt.state": {"open": "待支付", "closed": "已关闭"},
    "billing.Refund.state": {"decided": "已决定"},
    "nodes.CalendarOverride.kind": {"closed": "休市"},
    "nodes.Node.state": {"active": "服务中"},
    "support.Ticket.state": {"closed": "已关闭"},
}


def test_no_text_takes_the_meaning_of_one_of_django_away():
    ours = {entry.msgid: entry.msgstr for entry in polib.pofile(str(PO)) if not entry.msgctxt}
    theirs = {
        entry.msgid: entry.msgstr
        for file in Path(django.__file__).parent.rglob("locale/zh_Hans/LC_MESSAGES/django.po")
        if file.parts[-5] in ("conf", "admin", "auth", "contenttypes", "humanize", "sessions") or "conf" in file.parts
        for entry in polib.pofile(str(file))
        if entry.msgstr and not entry.msgctxt
    }

    assert len(theirs) > 500
    assert {text for text in ours.keys() & theirs.keys() if ours[text] != theirs[text]} - SAID_OUR_WAY == set()


@pytest.mark.parametrize("name", sorted(COLUMNS))
def test_a_column_says_what_it_is(name):
    *model, field = name.split(".")

    with translation.override("zh-hans"):
        assert str(apps.get_model(*model)._meta.get_field(field).verbose_name) == COLUMNS[name]


@pytest.mark.parametrize("name", sorted(CHOICES))
def test_a_state_says_what_it_is(name):
    *model, field = name.split(".")

    with translation.override("zh-hans"):
        said = {code: str(text) for code, text in apps.get_model(*model)._meta.get_field(field).choices}

    assert {code: said[code] for code in CHOICES[name]} == CHOICES[name]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_a_tables_pages_have_the_name_that_its_menu_has(language):
    with translation.override(language):
        named = {label: str(name) for _title, tables in AREAS for label, name in tables.items()}
        pages = {label: str(apps.get_model(label)._meta.verbose_name_plural) for label in named}

    assert pages == named
