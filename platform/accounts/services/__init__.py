"""What a person may change about themselves, what is done for one who is locked out, codes to phones, and API keys."""

import hashlib
import hmac
import logging
import re
import secrets
import string
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.db.models import F, Q

from accounts import announcements, selectors, sms
from accounts.domain import watch_lists
from accounts.domain.phones import Purpose, masked
from accounts.errors import (
    AccountInactive,
    ApiKeyExpired,
    ApiKeyRevoked,
    ApiKeyUnknown,
    BadApiKeyRequest,
    SmsCapReached,
    SmsRefused,
    SmsUnavailable,
    TooManyApiKeys,
    TooManyWatchLists,
)
from accounts.models import ApiKey, Customer, SmsDay, SmsMessage, WatchList, languages
from accounts.selectors import sms_day, sms_is_full
from outbox.services import mailing

log = logging.getLogger(__name__)

CHOSEN = "chosen"  # of a session: the address that leads back to what a visitor had chosen before logging in
KEY_BEGINS = "tpk_"
MOST_KEYS = 10  # of a customer that work
_DIGITS = string.ascii_letters + string.digits
_SECRET = 40  # characters of 62: 238 bits, so that a plain digest needs no slow hash
_SHOWN = 10  # characters of a key that stay readable: 36 bits of its secret
_KEY = re.compile(rf"{KEY_BEGINS}[0-9A-Za-z]{{{_SECRET}}}", re.ASCII)
_NOTED_EVERY = timedelta(minutes=1)


def choose_language(*, customer: Customer, language: str) -> bool:
    """Write to this person in another language from now on; return whether it is one that we have."""
    if language not in dict(languages()):
        return False
    Customer.objects.filter(pk=customer.pk).update(language=language)
    customer.language = language
    return True


@transaction.atomic
def reset_second_factor(*, customer: Customer) -> int:
    """Remove a person's second factor with its recovery codes, and end their sessions; return how many were removed.

    Whoever has found the phone may have a session that it opened.
    """
    removed: int = Authenticator.objects.filter(user=customer).delete()[0]
    for session in Session.objects.all().iterator():
        if session.get_decoded().get("_auth_user_id") == str(customer.pk):
            session.delete()
    return removed


def send_code(*, customer: Customer, number: str, purpose: Purpose, code: str, now: datetime) -> SmsMessage:
    """Send a code to a phone, within the day's cap; return the message's row.

    The row and its cost are there before the provider is asked, and stay where it does not answer: it may have sent it.

    Raises:
        SmsCapReached: the cap of the day leaves nothing for it; the provider was not asked.
        SmsRefused: the provider does not send it, and takes nothing for it.
        SmsUnavailable: nobody knows whether it was sent.
    """
    provider, price_fen = sms.provider(), settings.SMS_PRICE_FEN
    reserve_sms(price_fen=price_fen, now=now)
    row = SmsMessage.objects.create(
        customer=customer,
        number=masked(number),
        provider=provider.name,
        purpose=purpose,
        cost_fen=price_fen,
        sent_at=now,
    )
    try:
        sent = provider.send(number, sms.template(purpose), {"code": code})
    except SmsRefused as refused:
        with transaction.atomic():
            row.outcome, row.cost_fen = SmsMessage.Outcome.REFUSED, 0
            row.provider_code = refused.fields["provider_code"]
            row.save(update_fields=["outcome", "cost_fen", "provider_code"])
            SmsDay.objects.filter(day=sms_day(now)).update(spent_fen=F("spent_fen") - price_fen)
        raise
    except SmsUnavailable as unavailable:
        log.warning("a message to a phone may not have been sent: %s", unavailable)
        raise
    row.outcome, row.provider_number = SmsMessage.Outcome.SENT, sent.number
    row.save(update_fields=["outcome", "provider_number"])
    return row


def reserve_sms(*, price_fen: int, now: datetime) -> None:
    """Take the price of a message out of what the day may cost.

    One statement looks and takes: PostgreSQL makes others of the same row wait, and looks again for each, so that
    messages that are sent at once cannot pass the cap together.

    Raises:
        SmsCapReached: there is not as much left. The first one of a day is logged, and staff's home tells of it.
    """
    day, cap_fen = sms_day(now), settings.SMS_DAILY_CAP_FEN
    SmsDay.objects.get_or_create(day=day)
    left = SmsDay.objects.filter(day=day, spent_fen__lte=cap_fen - price_fen)
    if not left.update(spent_fen=F("spent_fen") + price_fen):
        refuse_over_cap(now=now)
        raise SmsCapReached(cap_fen=cap_fen)


def refuse_over_cap(*, now: datetime) -> None:
    """Raise SmsCapReached where the day's cap leaves no message; said once a day in the log.

    Asked before it is known whose number it is: at the cap, strangers and buyers are answered alike.
    """
    if not sms_is_full(now):
        return
    cap_fen = settings.SMS_DAILY_CAP_FEN
    if SmsDay.objects.filter(day=sms_day(now), full_at=None).update(full_at=now):
        log.error(
            "no more codes are sent to phones today: SMS_DAILY_CAP_FEN=%d is spent; who can log in by mail still can",
            cap_fen,
        )
    raise SmsCapReached(cap_fen=cap_fen)


def keep_phone(*, customer: Customer, number: str, now: datetime) -> None:
    """Put a number on an account whose person has just proved that they hold it.

    A number that is on another account moves: carriers give numbers to new people, and who reads its messages now is
    who it belongs to. The former one is told by mail, and logs in by mail.
    """
    try:
        _move_phone(customer, number, now)
    except IntegrityError:
        # Another account proved it in the same instant, and its row was not yet one to lock: it moves on from there.
        _move_phone(customer, number, now)


@transaction.atomic
def _move_phone(customer: Customer, number: str, now: datetime) -> None:
    # Both rows at once, in key order: two people who prove one number may cross.
    rows = Customer.objects.select_for_update().filter(Q(pk=customer.pk) | Q(phone=number)).order_by("pk")
    mine: Customer | None = None
    for row in rows:
        if row.pk == customer.pk:
            mine = row
            continue
        row.phone = row.phone_verified_at = None
        row.save(update_fields=["phone", "phone_verified_at"])
        announcements.phone_moved(row, number=masked(number))
    if mine is not None and mine.phone != number:
        mine.phone, mine.phone_verified_at = number, now
        mine.save(update_fields=["phone", "phone_verified_at"])
        customer.phone, customer.phone_verified_at = number, now


def forget_phone(*, customer: Customer) -> bool:
    """Take the number off an account; return whether there was one."""
    had = Customer.objects.filter(pk=customer.pk).exclude(phone=None).update(phone=None, phone_verified_at=None)
    customer.phone = customer.phone_verified_at = None
    return bool(had)


@transaction.atomic
def shut_unproved_doors(*, customer: Customer) -> bool:
    """Take WeChat and the number off an account whose address nobody had proved; return whether it was such a one.

    For the moment in which the holder of the address sets a password by a link in a mail: until then somebody else may
    have signed up with it, and would keep a way in beside the new password.
    """
    if EmailAddress.objects.filter(user=customer, verified=True).exists():
        return False
    SocialAccount.objects.filter(user=customer).delete()
    forget_phone(customer=customer)
    return True


def address_works(sender: Any, *, email_address: EmailAddress, **_: Any) -> None:
    """Write to an address again whose owner has just followed a link that was sent there (allauth's signal)."""
    mailing.lift(address=email_address.email)


@transaction.atomic
def create_api_key(
    *, customer: Customer, name: str, scopes: Iterable[str], now: datetime, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key for a customer's programs; return its row and its text, which nobody can show again.

    Raises:
        BadApiKeyRequest: no name, no scope or one that there is not, or an end that is over.
        TooManyApiKeys: MOST_KEYS of them work.
    """
    wanted = [scope for scope in ApiKey.Scope.values if scope in set(scopes)]
    if not name.strip() or not wanted or len(wanted) != len(set(scopes)):
        raise BadApiKeyRequest(scopes=list(ApiKey.Scope.values))
    if expires_at is not None and expires_at <= now:
        raise BadApiKeyRequest(f"the key would have ended already: {expires_at.isoformat()}")
    # Locked: two forms at once would both find room for the last one.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if len(selectors.api_keys_of(customer, now)) >= MOST_KEYS:
        raise TooManyApiKeys(most=MOST_KEYS)
    text = KEY_BEGINS + "".join(secrets.choice(_DIGITS) for _ in range(_SECRET))
    key = ApiKey.objects.create(
        customer=customer, name=name.strip()[:60], prefix=text[:_SHOWN], digest=_digest(text), scopes=wanted,
        created_at=now, expires_at=expires_at,
    )  # fmt: skip
    return key, text


def revoke_api_key(*, key: ApiKey, now: datetime, why: str = "") -> bool:
    """End a key at once; return whether it had not been ended before."""
    unrevoked = ApiKey.objects.filter(pk=key.pk, revoked_at=None)
    return bool(unrevoked.update(revoked_at=now, revoked_why=why.strip()[:200]))


def use_api_key(text: str, *, now: datetime) -> ApiKey:
    """Return the key that a program has shown, with its customer; that it was used is noted once a minute.

    Raises:
        ApiKeyUnknown, ApiKeyRevoked, ApiKeyExpired, AccountInactive.
    """
    if not _KEY.fullmatch(text):
        raise ApiKeyUnknown
    known = [_digest(text, secret) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]
    key = ApiKey.objects.select_related("customer").filter(digest__in=known).first()
    if key is None or not any(hmac.compare_digest(key.digest, one) for one in known):
        raise ApiKeyUnknown
    if key.revoked_at is not None:
        raise ApiKeyRevoked(revoked_at=key.revoked_at.isoformat())
    if key.expires_at is not None and now >= key.expires_at:
        raise ApiKeyExpired(expired_at=key.expires_at.isoformat())
    if not key.customer.is_active:
        raise AccountInactive
    if key.last_used_at is None or now - key.last_used_at >= _NOTED_EVERY:
        # With the digest of the present SECRET_KEY: a key in use outlives its change.
        not_noted = Q(last_used_at=None) | Q(last_used_at__lte=now - _NOTED_EVERY)
        ApiKey.objects.filter(not_noted, pk=key.pk).update(last_used_at=now, digest=known[0])
    return key


def count_once_more(name: str, *, seconds: int) -> int:
    """Count something in the cache that all processes share; return how often it was counted in its stretch of time.

    Args:
        seconds: how long the stretch is, from the first time on.
    """
    for _ in range(3):
        if cache.add(name, 1, seconds):
            return 1
        try:
            return cache.incr(name)
        except ValueError:  # its time was over in between
            continue
    return 1


@transaction.atomic
def create_watch_list(*, customer: Customer, name: Any, symbols: Any, now: datetime) -> WatchList:
    """Make a list behind a customer's others.

    Raises:
        BadWatchList, WatchListFull: by the rules of accounts.domain.watch_lists.
        TooManyWatchLists: there are MOST_LISTS of them.
    """
    name, symbols = watch_lists.name_of(name), watch_lists.symbols_of(symbols)
    # Locked: two tabs at once would both find room for the last one.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    places = list(WatchList.objects.filter(customer=customer).values_list("place", flat=True))
    if len(places) >= watch_lists.MOST_LISTS:
        raise TooManyWatchLists(most=watch_lists.MOST_LISTS)
    return WatchList.objects.create(
        customer=customer, name=name, symbols=symbols, place=max(places, default=0) + 1, changed_at=now
    )


@transaction.atomic
def change_watch_list(*, pk: int, asked: dict[str, Any], now: datetime) -> WatchList:
    """Change a list as another device may have left it.

    Args:
        asked: any of name; add, remove, order (symbols); place (among the customer's lists); shared (bool).

    Raises:
        BadWatchList, WatchListFull: by the rules of accounts.domain.watch_lists.
        WatchList.DoesNotExist: another device has removed it.
    """
    row = WatchList.objects.select_for_update().get(pk=pk)
    if "name" in asked:
        row.name = watch_lists.name_of(asked["name"])
    parts = {part: watch_lists.symbols_of(asked[part]) for part in ("add", "remove", "order") if part in asked}
    row.symbols = watch_lists.changed(row.symbols, **parts)
    if isinstance(place := asked.get("place"), int) and 0 <= place <= 2**31 - 1:
        row.place = place
    if "shared" in asked:
        # 12 characters of 64: nobody guesses one of a few thousand. A link that was ended never works again.
        row.share_code = (row.share_code or secrets.token_urlsafe(9)) if asked["shared"] else None
    row.changed_at = now
    row.save()
    return row


def _digest(text: str, secret: str = "") -> str:
    return hmac.new((secret or settings.SECRET_KEY).encode(), f"api-key:{text}".encode(), hashlib.sha256).hexdigest()
