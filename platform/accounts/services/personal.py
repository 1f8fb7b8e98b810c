"""What is kept about a person, taken along as files or removed: each app says what it has, and is asked in turn.

`accounts` stands below the shop and does not know it; whoever keeps something about people registers a `Part`.
"""

import csv
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import StringIO
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.contrib.admin.models import LogEntry
from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Replace
from django.utils.translation import gettext as _

from accounts.errors import AccountStays
from accounts.models import ApiKey, Customer, SmsMessage
from accounts.services.sessions import end_sessions, sessions_of
from kernel.clock import utc_now
from outbox.services import mailing

Row = Mapping[str, Any]
Tables = Mapping[str, Iterable[Row]]
GONE = "deleted.invalid"  # RFC 2606: no mail ever goes there
REMOVED = "[removed]"


@dataclass(frozen=True, slots=True)
class Leaving:
    """How things stand for somebody who wants to leave.

    Args:
        obstacles: sentences of what has to be settled first.
        losses: sentences of what is lost.
        balance_fen: money that has to be given up in words.
    """

    obstacles: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    balance_fen: int = 0


@dataclass(frozen=True, slots=True)
class Part:
    """What one app keeps about people.

    Args:
        tables: rows by the name of their file; no secrets, since a file is copied and mailed.
        leaving: what stands in the way and what is lost, in the active language.
        forget: removes or anonymizes, inside the transaction of the whole. It raises PlatformError to stop it.
    """

    tables: Callable[[Customer], Tables]
    leaving: Callable[[Customer, datetime], Leaving] = lambda customer, now: Leaving()
    forget: Callable[[Customer, datetime], None] = lambda customer, now: None


_parts: dict[str, Part] = {}


def register(name: str, part: Part) -> None:
    """Make known what an app keeps about people; called when it is ready, from the shop upwards in order."""
    _parts[name] = part


def parts() -> dict[str, Part]:
    """Return what is registered, by name."""
    return dict(_parts)


# -- taking along ---------------------------------------------------------------------------------------------------
def export(customer: Customer, *, now: datetime) -> Iterator[bytes]:
    """Yield a ZIP with each table as JSON and as CSV, a piece at a time: no more than one row is held."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        yield from _file(archive, sink, "README.txt", [_readme(customer, now)])
        for name, rows in _tables(customer):
            # Twice over the same rows: once a form. A list would hold all of them.
            kept = list(rows)
            yield from _file(archive, sink, f"{name}.json", _as_json(kept))
            yield from _file(archive, sink, f"{name}.csv", _as_csv(kept))
    yield sink.take()


def _tables(customer: Customer) -> Iterator[tuple[str, Iterable[Row]]]:
    for part in _parts.values():
        yield from part.tables(customer).items()


def _readme(customer: Customer, now: datetime) -> str:
    said = _(
        "What we keep about you, as of %(at)s UTC. Each table is there twice: as JSON and as CSV (UTF-8). Sums are in "
        "fen, times in UTC. Passwords, access tokens, API keys and second factors are secrets and are not in here."
    )
    return f"{said % {'at': f'{now:%Y-%m-%d %H:%M}'}}\n\n{customer.email} · {customer.public_id}\n"


def _file(archive: zipfile.ZipFile, sink: "_Sink", name: str, texts: Iterable[str]) -> Iterator[bytes]:
    with archive.open(name, "w") as file:
        for text in texts:
            file.write(text.encode())
            if piece := sink.take():
                yield piece


def _as_json(rows: Iterable[Row]) -> Iterator[str]:
    before = "["
    for row in rows:
        yield f"{before}\n{json.dumps(row, ensure_ascii=False, default=_plain)}"
        before = ","
    yield "[]\n" if before == "[" else "\n]\n"


def _as_csv(rows: Iterable[Row]) -> Iterator[str]:
    yield "\ufeff"
    written: list[str] | None = None
    for row in rows:
        line = StringIO()
        writer = csv.writer(line)
        if written is None:
            written = list(row)
            writer.writerow(written)
        writer.writerow([_cell(row.get(name)) for name in written])
        yield line.getvalue()


def _plain(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet calculates (OWASP, "CSV Injection")."""
    if value is None or isinstance(value, bool | int | float):
        return value
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else _plain(value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text


class _Sink:
    """A file that can only be written to, and gives away what was."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, piece: bytes) -> int:
        self._pieces.append(bytes(piece))
        return len(piece)

    def close(self) -> None:
        pass

    def seek(self, offset: int, whence: int = 0) -> int:
        raise OSError("what was given away cannot be gone back to")

    def tell(self) -> int:
        raise OSError("what was given away is not counted")

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken, self._pieces = b"".join(self._pieces), []
        return taken


# -- leaving --------------------------------------------------------------------------------------------------------
def leaving(customer: Customer, *, now: datetime) -> Leaving:
    """Return what stands in the way of deleting an account, and what is lost by it, in the active language."""
    said = [part.leaving(customer, now) for part in _parts.values()]
    return Leaving(
        obstacles=[text for one in said for text in one.obstacles],
        losses=[text for one in said for text in one.losses],
        balance_fen=sum(one.balance_fen for one in said),
    )


@transaction.atomic
def delete_account(*, customer: Customer, give_up_balance: bool, now: datetime) -> None:
    """Remove a person for good: rows of money stay, and nothing in them says who it was.

    Raises:
        AccountStays: something has to be settled first, or there is money that was not given up in words.
    """
    locked = Customer.objects.select_for_update().get(pk=customer.pk)
    how = leaving(locked, now=now)
    if how.obstacles:
        raise AccountStays(why=how.obstacles)
    if how.balance_fen and not give_up_balance:
        raise AccountStays(why=[_("There is money in your balance. Ask for it back, or give it up in words.")])
    for part in reversed(_parts.values()):
        part.forget(locked, now)


def leaving_of_accounts(customer: Customer, now: datetime) -> Leaving:
    """Staff cannot leave by themselves: who did what stays under their names until an owner has seen to it."""
    if customer.is_staff or customer.is_superuser:
        return Leaving(obstacles=[_("You work here: an owner takes your role away first.")])
    return Leaving()


def tables_of_accounts(customer: Customer) -> Tables:
    """Return the person, their addresses and doors, keys without their texts, browsers, lists, and mails."""
    now = utc_now()
    addresses = EmailAddress.objects.filter(user=customer).order_by("pk")
    doors = SocialAccount.objects.filter(user=customer).order_by("pk")
    factors = Authenticator.objects.filter(user=customer).order_by("pk")
    keys = ApiKey.objects.filter(customer=customer).order_by("pk")
    messages = SmsMessage.objects.filter(customer=customer).order_by("pk")
    return {
        "profile": [
            {
                "customer": customer.public_id,
                "email": customer.email,
                "phone": customer.phone,
                "phone_verified_at": customer.phone_verified_at,
                "language": customer.language,
                "joined_at": customer.date_joined,
                "last_login_at": customer.last_login,
                "reminders": mailing.wants_reminders(customer.pk),
            }
        ],
        "email_addresses": (
            {"email": one.email, "verified": one.verified, "primary": one.primary} for one in addresses
        ),
        "connected_accounts": (
            {"provider": one.provider, "uid": one.uid, "data": one.extra_data, "joined_at": one.date_joined}
            for one in doors
        ),
        "second_factors": (
            {"type": one.type, "created_at": one.created_at, "last_used_at": one.last_used_at} for one in factors
        ),
        "api_keys": (
            {
                "name": one.name,
                "begins_with": one.prefix,
                "scopes": one.scopes,
                "created_at": one.created_at,
                "last_used_at": one.last_used_at,
                "expires_at": one.expires_at,
                "revoked_at": one.revoked_at,
            }
            for one in keys
        ),
        "sessions": (
            {"address": one.address, "browser": one.agent, "since_at": one.began_at, "seen_at": one.seen_at}
            for one in sessions_of(customer, now=now)
        ),
        "sms": ({"number": one.number, "purpose": one.purpose, "sent_at": one.sent_at} for one in messages),
        "watch_lists": (
            {"name": one.name, "symbols": one.symbols, "shared": bool(one.share_code), "changed_at": one.changed_at}
            for one in customer.watch_lists.order_by("place", "pk")
        ),
        "mails": mailing.taken_along(customer),
    }


def forget_in_accounts(customer: Customer, now: datetime) -> None:
    """Remove addresses, doors, keys, lists and browsers of a person, and make the row nobody's."""
    addresses = known_addresses(customer)
    traces = [*addresses, *([customer.phone] if customer.phone else [])]
    mailing.forget(customer=customer, addresses=addresses)
    for model in (EmailAddress, SocialAccount, Authenticator):
        model.objects.filter(user=customer).delete()
    ApiKey.objects.filter(customer=customer).delete()
    customer.watch_lists.all().delete()
    SmsMessage.objects.filter(customer=customer).update(customer=None)
    _clean_log(customer, traces)
    end_sessions(customer=customer)
    customer.email, customer.phone, customer.phone_verified_at = f"{customer.public_id}@{GONE}", None, None
    customer.last_login, customer.is_active = None, False
    customer.set_unusable_password()
    customer.groups.clear()
    customer.save()


def known_addresses(customer: Customer) -> list[str]:
    """Return every mail address of a person, in lower case."""
    also = EmailAddress.objects.filter(user=customer).values_list("email", flat=True)
    return sorted({customer.email.lower(), *(one.lower() for one in also)})


def _clean_log(customer: Customer, traces: list[str]) -> None:
    """Take a person's address and number out of what staff did, which stays: who, when, what."""
    for text in traces:
        rows = LogEntry.objects.filter(Q(object_repr__icontains=text) | Q(change_message__icontains=text))
        rows.update(
            object_repr=Replace("object_repr", Value(text), Value(REMOVED)),
            change_message=Replace("change_message", Value(text), Value(REMOVED)),
        )
