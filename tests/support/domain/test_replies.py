"""A mail that answers ours: its tag is found in any header of its way, and what it quotes is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.domain.replies import MOST_BYTES, new_text, read_reply

TO = "help+tabcd2345.abcdefgh234567xy@shop.example"


def mail(body="It works now.", *, to=TO, kind="text/plain", **more):
    heads = {"From": "Alice <Alice@example.com>", "To": to, "Message-ID": "<1@example.com>", "Subject": "Re", **more}
    lines = [f"{name}: {value}" for name, value in heads.items() if value is not None]
    return "\r\n".join([*lines, "MIME-Version: 1.0", f"Content-Type: {kind}; charset=utf-8", "", body]).encode()


def test_a_reply_is_taken_apart():
    reply = read_reply(mail())

    assert (reply.ticket, reply.tag, reply.sender) == ("TABCD2345", "abcdefgh234567xy", "alice@example.com")
    assert (reply.text, reply.message_id, reply.automatic) == ("It works now.", "1@example.com", False)


@pytest.mark.parametrize("name", ["Cc", "Delivered-To", "X-Original-To"])
def test_the_tag_may_stand_in_what_the_mail_server_wrote(name):
    assert read_reply(mail(to="help@shop.example", **{name: TO})).ticket == "TABCD2345"


@pytest.mark.parametrize("to", ["help@shop.example", "help+tabcd@shop.example", "help+tabcd2345.short@shop.example"])
def test_a_mail_to_another_address_is_no_reply(to):
    assert read_reply(mail(to=to)) is None


@pytest.mark.parametrize(
    "below",
    ["On Mon, 30 Nov 2026 at 18:00, Shop <help@shop.example> wrote:\n> old", "在 2026年11月30日，客服 写道：\n> old",
     "------------------ 原始邮件 ------------------\nold", "-----Original Message-----\nold", "发件人: 客服 <a@b.cn>\nold",
     "> old\n> older", "-- \nAlice, Example Ltd."],
)  # fmt: skip
def test_what_is_quoted_and_signed_is_left_out(below):
    assert new_text(f"谢谢\n\n还有一个问题。\n\n{below}") == "谢谢\n\n还有一个问题。"


def test_html_is_read_without_its_quotes_styles_and_scripts():
    body = "<html><head><style>p{}</style></head><body><p>One</p><script>x()</script><p>Two &amp; three</p><blockquote>old</blockquote></body></html>"

    assert read_reply(mail(body, kind="text/html")).text == "One\nTwo & three"


@pytest.mark.parametrize(
    ("name", "value"),
    [("Auto-Submitted", "auto-replied"), ("Precedence", "bulk"), ("X-Autoreply", "yes"), ("List-Id", "<l.example>")],
)
def test_what_a_program_wrote_is_known(name, value):
    assert read_reply(mail(**{name: value})).automatic


def test_two_senders_are_nobody():
    assert read_reply(mail(From="a@example.com, b@example.com")).sender == ""


def test_a_mail_that_is_too_long_is_not_read():
    assert read_reply(mail("x" * (MOST_BYTES + 1))) is None


@given(st.binary(max_size=400))
def test_no_bytes_raise(raw):
    read_reply(raw)
    read_reply(mail().replace(b"It works now.", raw))
    read_reply(raw + mail())
