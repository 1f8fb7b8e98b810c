"""Mails that come in by a pipe, a Maildir and an mbox."""

import mailbox
from io import BytesIO

import pytest

from outbox.services import mailboxes

MAIL = b"From: a@example.com\n\nbody\n"


def read(where, pipe=b""):
    taken = []
    count = mailboxes.each(str(where), taken.append, most=20, pipe=BytesIO(pipe))
    return count, taken


def test_a_pipe_is_one_mail_and_cut_off():
    assert read("-", MAIL) == (1, [MAIL[:20]])


def test_a_maildir_is_read_once(tmp_path):
    mailbox.Maildir(tmp_path / "box").add(MAIL)

    assert read(tmp_path / "box")[0] == 1
    assert read(tmp_path / "box")[0] == 0


def test_an_mbox_is_read_whole_each_time(tmp_path):
    box = mailbox.mbox(tmp_path / "mbox")
    box.add(MAIL)
    box.close()

    assert (read(tmp_path / "mbox")[0], read(tmp_path / "mbox")[0]) == (1, 1)


def test_nothing_is_said_to_be_there_that_is_not(tmp_path):
    with pytest.raises(mailboxes.NoMailbox):
        read(tmp_path / "nowhere")
