"""Questions: who may ask about what, how much, who answers, and which mails are taken as replies."""

from datetime import timedelta

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.core import mail as sent

from accounts.models import Customer
from billing.models import AccessToken
from config.staff_roles import prepare_roles
from kernel.clock import utc_now
from outbox.models import MailRecord, Outbox
from outbox.services.sending import deliver_outbox
from support.announcements import reply_address
from support.errors import BadTicket, NotYourTicket, ReplyRefused, TooManyMessages, TooManyTickets
from support.models import Ticket, TicketMessage
from support.services import tickets
from tests.factories import NOW, a_customer, a_grant, a_node, a_purchase
from tests.support.domain.test_replies import mail

pytestmark = [pytest.mark.whole, pytest.mark.django_db]
OFTEN = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def shop(settings):
    settings.SUPPORT_EMAIL = "help@shop.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def alice(db):
    return a_customer("alice", language="zh-hans")


def asked(customer, *, at=NOW, **more):
    return tickets.open_ticket(customer=customer, **{"subject": "断线", "text": "每分钟断开一次", "now": at, **more})


def test_a_question_has_its_order_and_token_by_their_numbers(alice, keys_dir):
    node = a_node()
    grant = a_grant(alice, node)
    token = AccessToken.objects.create(
        customer=alice, group=node.group, issued_at=NOW, expires_at=NOW + timedelta(days=9)
    ) if not AccessToken.objects.exists() else AccessToken.objects.get()  # fmt: skip

    made = asked(alice, order=grant.purchase.public_id, token=token.jti)

    assert (made.purchase, made.token, made.state) == (grant.purchase, token, "open")
    assert made.messages.get().text == "每分钟断开一次"


def test_nobody_asks_about_somebody_else_s_order(alice):
    order = a_purchase(a_customer("bob"), a_node())

    with pytest.raises(BadTicket) as refused:
        asked(alice, order=order.public_id)

    assert refused.value.fields["field"] == "order"
    assert not Ticket.objects.exists()


@pytest.mark.parametrize(
    ("field", "value"), [("subject", " "), ("subject", "x" * 121), ("text", "\n "), ("text", "x" * 5001)]
)
def test_nothing_to_read_and_too_much_of_it_are_refused(alice, field, value):
    with pytest.raises(BadTicket) as refused:
        asked(alice, **{field: value})
    assert refused.value.fields["field"] == field


def test_ten_questions_are_open_at_once_and_twenty_a_day(alice):
    for nth in range(10):
        asked(alice, at=NOW + nth * OFTEN)
    with pytest.raises(TooManyTickets) as refused:
        asked(alice)
    assert refused.value.fields == {"most": 10, "of": "open"}

    Ticket.objects.update(state="closed")
    for nth in range(10):
        asked(alice, at=NOW + nth * OFTEN)
    Ticket.objects.update(state="closed")
    with pytest.raises(TooManyTickets) as refused:
        asked(alice, at=NOW + 12 * OFTEN)
    assert refused.value.fields["of"] == "day"
    assert asked(alice, at=NOW + timedelta(days=2)).state == "open"


def test_thirty_messages_an_hour_are_taken(alice):
    made = asked(alice)
    for nth in range(29):
        tickets.write_on(customer=alice, number=made.number, text=f"{nth}", now=NOW)

    with pytest.raises(TooManyMessages):
        tickets.write_on(customer=alice, number=made.number, text="more", now=NOW)
    assert tickets.write_on(customer=alice, number=made.number, text="later", now=NOW + timedelta(hours=2))


def test_an_answer_goes_out_in_the_customer_s_language_and_is_answered_by_mail(alice):
    made, staff = asked(alice), a_customer("staff", is_staff=True)

    tickets.answer(ticket_id=made.pk, by=staff, text="请升级客户端。", close=False, now=NOW)
    deliver_outbox(now=NOW + timedelta(days=900))

    [letter] = sent.outbox
    assert letter.subject == f"回复：断线 [{made.number}]"
    assert "请升级客户端。" in letter.body
    assert letter.reply_to == [reply_address(made.number)]
    assert MailRecord.objects.get(kind="ticket_answered").customer == alice
    made.refresh_from_db()
    assert made.state == "answered"
    taken = tickets.take_reply(mail("好了，谢谢", to=letter.reply_to[0]), now=NOW)
    made.refresh_from_db()
    assert (taken.text, taken.via, made.state) == ("好了，谢谢", "mail", "open")


def test_a_closed_question_is_open_again_when_somebody_writes(alice):
    made = asked(alice)
    assert tickets.close_ticket(ticket_id=made.pk, now=NOW)
    assert not tickets.close_ticket(ticket_id=made.pk, now=NOW)

    tickets.write_on(customer=alice, number=made.number, text="not yet", now=NOW)

    assert Ticket.objects.get().state == "open"


def test_nobody_writes_in_somebody_else_s_question(alice):
    with pytest.raises(NotYourTicket):
        tickets.write_on(customer=a_customer("mallory"), number=asked(alice).number, text="x", now=NOW)


@pytest.mark.parametrize(
    ("why", "more"),
    [
        ("stranger", {"From": "mallory@example.com"}),
        ("automatic", {"Auto-Submitted": "auto-replied"}),
        ("empty", {"body": "> only quoted"}),
    ],
)
def test_mails_that_are_no_replies_of_the_customer_are_refused(alice, why, more):
    raw = mail(to=reply_address(asked(alice).number), **more)

    with pytest.raises(ReplyRefused) as refused:
        tickets.take_reply(raw, now=NOW)

    assert refused.value.fields["why"] == why
    assert TicketMessage.objects.count() == 1


def test_a_tag_of_another_question_and_a_guessed_one_open_nothing(alice):
    one, two = asked(alice), asked(alice)
    tag_of_two = reply_address(two.number).partition(".")[2]
    for to in (f"help+{one.number.lower()}.{tag_of_two}", f"help+{one.number.lower()}.{'a' * 16}@shop.example"):
        with pytest.raises(ReplyRefused):
            tickets.take_reply(mail(to=to), now=NOW)


def test_a_mail_is_taken_once_and_from_any_address_of_the_customer(alice):
    EmailAddress.objects.create(user=alice, email="work@example.com", verified=True)
    raw = mail(to=reply_address(asked(alice).number), From="Work@example.com")
    tickets.take_reply(raw, now=NOW)

    with pytest.raises(ReplyRefused) as refused:
        tickets.take_reply(raw, now=NOW)

    assert refused.value.fields["why"] == "repeated"


def test_an_older_key_of_the_shop_still_proves_a_mail(alice, settings):
    address = reply_address(asked(alice).number)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "another key" * 6

    assert tickets.take_reply(mail(to=address), now=NOW)


def test_a_very_long_mail_is_cut(alice):
    taken = tickets.take_reply(mail("x" * 9000, to=reply_address(asked(alice).number)), now=NOW)

    assert len(taken.text) == 5000
    assert taken.text.endswith(" …")


def test_without_an_address_for_answers_mails_say_that_the_page_takes_them(alice, settings):
    settings.SUPPORT_EMAIL = ""
    tickets.answer(ticket_id=asked(alice).pk, by=Customer.objects.first(), text="x", close=True, now=NOW)
    deliver_outbox(now=NOW + timedelta(days=900))

    assert sent.outbox[-1].reply_to == []
    assert Ticket.objects.get().state == "closed"


@pytest.fixture
def staff(db):
    """Two of the role support, in two languages; one who may only look; and one who may everything."""
    prepare_roles()
    made = [a_customer(name, is_staff=True, language=language) for name, language in (("su", "en"), ("zhi", "zh-hans"))]
    for one in made:
        one.groups.add(Group.objects.get(name="support"))
    a_customer("operator", is_staff=True).groups.add(Group.objects.get(name="operator"))
    a_customer("root", is_staff=True, is_superuser=True)
    return made


def told():
    """Deliver what is due; return who was written to since the last time."""
    deliver_outbox(now=utc_now())
    found = [(one.to[0], one.subject) for one in sent.outbox]
    sent.outbox.clear()
    return sorted(found)


def test_who_may_answer_is_written_to_in_their_language_with_a_link_to_the_answer(alice, staff, settings):
    settings.PANEL_URL = "https://shop.example"
    made = asked(alice, text="<b>断开</b>")

    deliver_outbox(now=utc_now())

    english, chinese = sorted(sent.outbox, key=lambda one: one.to)
    assert (english.to, chinese.to) == (["su@example.com"], ["zhi@example.com"])
    assert english.subject == f"A customer asks [{made.number}]"
    assert chinese.subject == f"客户提问 [{made.number}]"
    assert "<b>断开</b>" in english.body
    assert f"https://shop.example/admin/support/ticket/{made.pk}/verb/answer/" in english.body
    assert "断线" not in english.subject  # the record outlives the customer's account


def test_a_customer_who_writes_line_by_line_is_one_mail_in_ten_minutes_and_nothing_is_lost(alice, staff):
    made = asked(alice, at=utc_now())
    assert len(told()) == 2
    for second in (1, 2, 3):
        again = utc_now() + timedelta(seconds=second)
        tickets.write_on(customer=alice, number=made.number, text=f"line {second}", now=again)
    assert told() == []  # they wait

    rows = Outbox.objects.filter(kind="ticket_asked", delivered_at=None)
    assert rows.count() == 2
    assert all(timedelta(minutes=9) < row.due_at - utc_now() <= timedelta(minutes=10) for row in rows)
    rows.update(due_at=utc_now())
    deliver_outbox(now=utc_now())

    assert {one.subject for one in sent.outbox} == {
        f"A customer wrote again [{made.number}]",
        f"客户追问 [{made.number}]",
    }
    assert "line 3" in sent.outbox[0].body


def test_after_ten_minutes_the_next_word_is_told_at_once(alice, staff):
    made = asked(alice)
    told()

    tickets.write_on(customer=alice, number=made.number, text="x", now=NOW + timedelta(minutes=11))

    assert len(told()) == 2


def test_what_was_answered_before_the_mail_could_leave_is_not_told(alice, staff):
    made = asked(alice)
    tickets.answer(ticket_id=made.pk, by=staff[0], text="Done.", close=False, now=NOW)

    assert [to for to, _subject in told()] == ["alice@example.com"]


def test_who_has_lost_the_right_hears_nothing(alice, staff):
    asked(alice)
    staff[0].groups.clear()

    assert [to for to, _subject in told()] == ["zhi@example.com"]


def test_where_nobody_has_a_role_it_is_who_may_everything_and_without_staff_nobody(alice):
    asked(alice)
    assert told() == []
    a_customer("root", is_staff=True, is_superuser=True)

    asked(alice)

    assert [to for to, _subject in told()] == ["root@example.com"]
