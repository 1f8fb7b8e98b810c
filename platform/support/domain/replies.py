"""Reads a mail that answers one of ours: whose question it is about, who wrote it, and what is new in it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageError
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import getaddresses
from html.parser import HTMLParser

MOST_BYTES = 2_000_000
_TAG = re.compile(r"\+(t[0-9a-z]{8})\.([0-9a-z]{16})@", re.IGNORECASE)
_TO = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
# Above the quoted mail: "On ... wrote:", "在 ... 写道：", Outlook's and QQ's heads.
_QUOTE_BEGINS = re.compile(
    r"^\s*(On\b.{0,300}\bwrote:|.{0,200}写道[:：]|-{2,}\s*(Original Message|原始邮件|原邮件|回复的邮件)\s*-{2,}|_{20,}"
    r"|(From|发件人)[:：].{1,200})\s*$",
    re.IGNORECASE,
)
_SIGNATURE = re.compile(r"^-- ?$")
_BLOCKS = {"p", "div", "br", "tr", "li", "blockquote", "h1", "h2", "h3", "pre"}


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail that answers one of ours.

    Args:
        ticket, tag: of the address that it was sent to; the tag proves that its writer had our mail.
        sender: in lower case.
        text: what is new in it, without what it quotes.
        automatic: a program has written it: an absence, a list, a server.
    """

    ticket: str
    tag: str
    sender: str
    message_id: str
    text: str
    automatic: bool


def read_reply(raw: bytes) -> Reply | None:
    """Return what a mail answers; None where it was not sent to an address of a question, or cannot be read."""
    if len(raw) > MOST_BYTES:
        return None
    try:
        mail = message_from_bytes(raw, policy=default)
        found = next(_tags(mail), None)
        if found is None or not isinstance(mail, EmailMessage):
            return None
        senders = getaddresses([_field(mail, "From")])
        return Reply(
            ticket=found[0].upper(),
            tag=found[1].lower(),
            sender=senders[0][1].lower() if len(senders) == 1 else "",
            message_id=_field(mail, "Message-ID").strip("<>")[:255],
            text=new_text(_text(mail)),
            automatic=_is_automatic(mail),
        )
    except (MessageError, ValueError, LookupError, RecursionError, AttributeError, TypeError):
        return None


def new_text(text: str) -> str:
    """Return what somebody has written above the mail that they answer, and without their signature."""
    lines: list[str] = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if _QUOTE_BEGINS.match(line) or _SIGNATURE.match(line):
            break
        if not line.lstrip().startswith(">"):
            lines.append(line.rstrip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).replace("\x00", "").strip()


def _tags(mail: Message) -> Iterator[tuple[str, str]]:
    for name in _TO:
        for value in mail.get_all(name, []):
            for found in _TAG.finditer(str(value)):
                yield found.group(1), found.group(2)


def _is_automatic(mail: Message) -> bool:
    """Tell whether a program wrote it (RFC 3834), so that two of them never write to each other for ever."""
    if _field(mail, "Auto-Submitted").lower() not in ("", "no"):
        return True
    if _field(mail, "Precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return True
    return any(mail.get(name) for name in ("X-Autoreply", "X-Autorespond", "List-Id", "X-Failed-Recipients"))


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    content = str(part.get_content())
    if part.get_content_type() != "text/html":
        return content
    reader = _Plain()
    reader.feed(content[:MOST_BYTES])
    reader.close()
    return reader.text()


class _Plain(HTMLParser):
    """A mail in HTML as lines; what is quoted in a blockquote is left out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._quoted = self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._quoted += tag == "blockquote"
        self._silent += tag in ("style", "script", "head")
        if tag in _BLOCKS:
            self._pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._quoted -= tag == "blockquote" and self._quoted > 0
        self._silent -= tag in ("style", "script", "head") and self._silent > 0

    def handle_data(self, data: str) -> None:
        if not self._quoted and not self._silent:
            self._pieces.append(data)

    def text(self) -> str:
        return "".join(self._pieces)


def _field(mail: Message, name: str) -> str:
    return " ".join(str(mail.get(name, "")).split())
