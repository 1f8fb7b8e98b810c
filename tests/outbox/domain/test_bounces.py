"""A report is believed where it says that there is no such mailbox, and whatever bytes come, reading them does not fail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from outbox.domain.bounces import MOST_BYTES, is_gone, read_report

OURS = "0123456789abcdef0123456789abcdef@shop.example"


def report(
    *, action: str = "failed", status: str = "5.1.1", said: str = "smtp; 550 5.1.1 no such user", back: str = ""
) -> bytes:
    """A report as Postfix writes it."""
    back = back or f"Content-Type: text/rfc822-headers\n\nSubject: Pack 5 is ready\nMessage-ID: <{OURS}>\n"
    return (
        "From: MAILER-DAEMON@mx.example\nTo: bounces@shop.example\nSubject: Undelivered Mail\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        "--b\nContent-Type: text/plain\n\nI'm sorry.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
        f"Final-Recipient: rfc822; alice@example.com\nAction: {action}\nStatus: {status}\nDiagnostic-Code: {said}\n\n"
        f"--b\n{back}\n--b--\n"
    ).encode()


def test_a_failed_mail_is_named_by_the_headers_that_come_back():
    [bounce] = read_report(report())

    assert bounce.message_ids == {OURS}
    assert (bounce.status, bounce.reason) == ("5.1.1", "5.1.1 smtp; 550 5.1.1 no such user")


def test_or_by_the_whole_mail():
    [bounce] = read_report(report(back=f"Content-Type: message/rfc822\n\nMessage-ID: <{OURS}>\nSubject: x\n\nHello\n"))

    assert bounce.message_ids == {OURS}


def test_or_by_what_the_report_answers():
    raw = report(back="Content-Type: text/plain\n\nnothing").replace(
        b"Subject: Und", f"In-Reply-To: <{OURS}>\nSubject: Und".encode()
    )

    assert read_report(raw)[0].message_ids == {OURS}


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded", ""])
def test_what_did_not_fail_is_no_bounce(action):
    assert read_report(report(action=action)) == []


@pytest.mark.parametrize("raw", [b"", b"Subject: Out of office\n\nI am away.", b"\xff\xfe", b"x" * (MOST_BYTES + 1)])
def test_what_is_no_report_says_nothing(raw):
    assert read_report(raw) == []


@given(st.binary(max_size=400))
def test_nothing_that_comes_raises(junk):
    read_report(junk)
    raw = report()
    read_report(raw[: len(raw) // 2] + junk + raw[len(raw) // 2 :])


@pytest.mark.parametrize(
    ("code", "text", "gone"),
    [
        (550, "5.1.1 no such user", True),
        (550, "no such user", True),
        (553, "sorry", True),
        (550, "5.2.1 disabled", True),
        (0, "5.1.10 null MX", True),
        (0, "5.0.0 unknown", True),
        (552, "5.2.2 mailbox full", False),
        (554, "5.7.1 relay access denied", False),
        (550, "5.7.26 unauthenticated mail", False),
        (554, "rejected", False),
        (451, "4.7.1 greylisted", False),
        (450, "no such user", False),
        (0, "4.4.2 timed out", False),
        (0, "", False),
    ],
)
def test_only_a_mailbox_that_does_not_exist_is_gone(code, text, gone):
    assert is_gone(code=code, text=text) is gone
