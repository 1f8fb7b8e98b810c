"""`manage.py read_replies` takes what is a reply, once, and says how many."""

import mailbox

import pytest
from django.core.management import CommandError, call_command

from support.announcements import reply_address
from support.models import TicketMessage
from support.services import tickets
from tests.factories import NOW, a_customer
from tests.support.domain.test_replies import mail

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def address(settings):
    settings.SUPPORT_EMAIL = "help@shop.example"
    return reply_address(tickets.open_ticket(customer=a_customer(), subject="s", text="t", now=NOW).number)


def test_a_maildir_is_read_once_and_strangers_are_left_alone(address, tmp_path, capsys):
    box = mailbox.Maildir(tmp_path / "box")
    box.add(mail(to=address))
    box.add(mail(to=address, From="mallory@example.com", **{"Message-ID": "<2@example.com>"}))

    call_command("read_replies", str(tmp_path / "box"))
    call_command("read_replies", str(tmp_path / "box"))

    assert capsys.readouterr().out.splitlines() == ["2 read, 1 taken.", "0 read, 0 taken."]
    assert TicketMessage.objects.count() == 2


def test_what_is_no_mailbox_is_said(tmp_path):
    with pytest.raises(CommandError, match="neither a Maildir"):
        call_command("read_replies", str(tmp_path / "nothing"))
