"""Reports come in by a pipe, a Maildir or an mbox; each is read once, and what is wrong is said."""

import io
import mailbox
import sys

import pytest
from django.core.management import CommandError, call_command

from kernel.clock import utc_now
from outbox.models import MailRecord, SuppressedAddress
from tests.factories import a_customer
from tests.outbox.domain.test_bounces import OURS, report

pytestmark = [pytest.mark.whole, pytest.mark.django_db]


@pytest.fixture
def sent():
    """A mail to alice with the id that the reports name."""
    return MailRecord.objects.create(
        customer=a_customer("alice"), kind="receipt", to="alice@example.com", message_id=OURS, state="sent",
        said_at=utc_now(), sent_at=utc_now(),
    )  # fmt: skip


def run(*arguments):
    out = io.StringIO()
    call_command("read_bounces", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_pipe_gives_one_report(sent, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(report())))

    assert run() == "1 read, 1 addresses suppressed."
    assert SuppressedAddress.objects.get().address == "alice@example.com"


def test_a_maildir_is_read_once(sent, tmp_path):
    box = mailbox.Maildir(tmp_path / "box", create=True)
    box.add(report())
    box.add(b"Subject: hello\n\nnot a report")

    assert run(str(tmp_path / "box")) == "2 read, 1 addresses suppressed."
    assert run(str(tmp_path / "box")) == "0 read, 0 addresses suppressed."
    assert len(list((tmp_path / "box" / "cur").iterdir())) == 2


def test_an_mbox_may_be_read_again(sent, tmp_path):
    box = mailbox.mbox(tmp_path / "box")
    box.add(report())
    box.close()

    assert run(str(tmp_path / "box")) == "1 read, 1 addresses suppressed."
    assert run(str(tmp_path / "box")) == "1 read, 0 addresses suppressed."


def test_a_place_without_mails_is_named(tmp_path):
    with pytest.raises(CommandError, match="neither a Maildir"):
        run(str(tmp_path / "nothing"))
