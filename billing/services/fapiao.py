"""Fapiao: asked for by buyers on what they spent, issued by finance on the tax platform, cancelled by red letters.

Only orders that were paid stand on one, never money that was put on a balance: that has not been spent. An order's
money is on one living request at most.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ValidationError
from django.core.validators import URLValidator, validate_email
from django.db import IntegrityError, transaction
from django.db.models import Sum

from accounts.models import Customer
from billing import announcements
from billing.domain import tax_numbers
from billing.domain.pricing import exact_yuan, money
from billing.errors import AlreadyDecided, AlreadyOnFapiao, BadFapiao
from billing.models import BuyerTitle, FapiaoFile, FapiaoLine, FapiaoRequest, FapiaoReversal, Purchase
from billing.services.receipts import paid_back_fen
from billing.services.refunds import new_number

MOST_ORDERS = 200  # on one fapiao
MOST_BYTES = 1_000_000
FILE_TYPES = {"pdf": "application/pdf", "ofd": "application/ofd", "xml": "application/xml"}


@dataclass(frozen=True, slots=True)
class Billable:
    """An order that can stand on a fapiao, with what of it was spent and not paid back, in fen."""

    purchase: Purchase
    amount_fen: int

    @property
    def amount(self) -> str:
        """The amount in yuan, to the fen."""
        return exact_yuan(self.amount_fen)


def spent_fen(purchase: Purchase) -> int:
    """Return what of an order was spent and not paid back, in fen; 0 of one that was given or not paid."""
    return spent_of([purchase])[purchase.pk]


def spent_of(purchases: Iterable[Purchase]) -> dict[int, int]:
    """Return the same of several orders, by key, with one question."""
    found = list(purchases)
    back = paid_back_fen(found)
    return {
        one.pk: (one.paid_fen or 0) - back.get(one.pk, 0) if one.state == Purchase.State.SETTLED else 0 for one in found
    }


def billable(customer: Customer) -> list[Billable]:
    """Return a customer's orders that are on no living fapiao, newest first."""
    rows = Purchase.objects.filter(customer=customer, state=Purchase.State.SETTLED, paid_fen__gt=0)
    free = rows.exclude(fapiao_lines__live=True).select_related("plan").order_by("-settled_at", "-pk")[:MOST_ORDERS]
    spent = spent_of(free)
    return [Billable(one, spent[one.pk]) for one in free if spent[one.pk] > 0]


def requests_of(customer: Customer, *, most: int = 50) -> list[FapiaoRequest]:
    """Return a customer's requests, newest first, with their lines and red letters."""
    rows = FapiaoRequest.objects.filter(customer=customer).prefetch_related("lines__purchase__plan", "reversals")
    return list(rows[:most])


def with_files(requests: Iterable[FapiaoRequest]) -> set[int]:
    """Return the keys of those requests that have a file."""
    return set(FapiaoFile.objects.filter(request__in=list(requests)).values_list("pk", flat=True))


@transaction.atomic
def ask_fapiao(
    *,
    customer: Customer,
    orders: Iterable[str],
    kind: str,
    title: str,
    tax_number: str,
    mail: str,
    now: datetime,
) -> FapiaoRequest:
    """Ask for one fapiao on what was spent on some orders; the title is remembered for the next.

    Args:
        orders: numbers of purchases.
        tax_number: of a company; a person has none.

    Raises:
        BadFapiao: no title, no such tax number or address, no order, or one that is not theirs or has nothing left.
        AlreadyOnFapiao: one of the orders is on another request.
    """
    title, tax_number, mail = " ".join(title.split()), tax_numbers.clean(tax_number), mail.strip()
    _check_title(kind, title, tax_number, mail)
    wanted = list(dict.fromkeys(orders))
    if not 1 <= len(wanted) <= MOST_ORDERS:
        raise BadFapiao(f"a fapiao is on 1 to {MOST_ORDERS} orders, not {len(wanted)}", field="orders")
    # As refunds do: what is paid back meanwhile must not be on it.
    Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    found = {one.public_id: one for one in Purchase.objects.filter(customer=customer, public_id__in=wanted)}
    taken = set(FapiaoLine.objects.filter(purchase__in=found.values(), live=True).values_list("purchase_id", flat=True))
    lines = []
    for number in wanted:
        purchase = found.get(number)
        if purchase is None or (amount_fen := spent_fen(purchase)) <= 0:
            raise BadFapiao(f"nothing was spent on order {number[:40]!r}, or it was all paid back", field="orders")
        if purchase.pk in taken:
            raise AlreadyOnFapiao(order=number)
        lines.append((purchase, amount_fen))
    BuyerTitle.objects.update_or_create(
        customer=customer, defaults={"kind": kind, "title": title, "tax_number": tax_number, "mail": mail}
    )
    request = FapiaoRequest.objects.create(
        number=new_number("F", now),
        customer=customer,
        kind=kind,
        title=title,
        tax_number=tax_number if kind == BuyerTitle.Kind.COMPANY else "",
        mail=mail,
        amount_fen=sum(amount_fen for _, amount_fen in lines),
        asked_at=now,
    )
    try:
        with transaction.atomic():
            FapiaoLine.objects.bulk_create(
                FapiaoLine(request=request, purchase=purchase, amount_fen=amount_fen) for purchase, amount_fen in lines
            )
    except IntegrityError:
        raise AlreadyOnFapiao(order=",".join(wanted)[:200]) from None
    return request


@transaction.atomic
def withdraw_fapiao(*, request_id: int, why: str, now: datetime) -> FapiaoRequest:
    """Give up a request that is not issued: its buyer, or finance with a reason. Its orders can be asked for again.

    Raises:
        AlreadyDecided: it was issued.
    """
    request = _locked(request_id)
    if request.state == FapiaoRequest.State.WITHDRAWN:
        return request
    if request.state != FapiaoRequest.State.ASKED:
        raise AlreadyDecided(state=request.state)
    _end(request, FapiaoRequest.State.WITHDRAWN, now, why)
    return request


@transaction.atomic
def issue_fapiao(
    *,
    request_id: int,
    fapiao_number: str,
    link: str,
    file: tuple[str, bytes] | None,
    by: Customer,
    now: datetime,
) -> FapiaoRequest:
    """Note that finance has issued a fapiao on the tax platform, and send it to the buyer.

    Its amounts are what is spent now: what was paid back since it was asked for is not on it.

    Args:
        link: where the tax platform shows it; "" for none.
        file: its name, ending in pdf, ofd or xml, and content; None for none.

    Raises:
        AlreadyDecided: it is issued, or withdrawn.
        BadFapiao: no number, neither link nor file, a file of another kind, or nothing is left to be on it.
    """
    request = _locked(request_id)
    if request.state != FapiaoRequest.State.ASKED:
        raise AlreadyDecided(state=request.state)
    fapiao_number, link = _number(fapiao_number), link.strip()
    kept = _file(file)
    _check_link(link, kept is not None)
    if FapiaoRequest.objects.filter(fapiao_number=fapiao_number).exists():
        raise BadFapiao(f"fapiao {fapiao_number} stands on another request", field="fapiao_number")
    _bring_up_to_date(request)
    request.state, request.fapiao_number, request.link = FapiaoRequest.State.ISSUED, fapiao_number, link
    request.issued_at, request.issued_by = now, by
    request.save(update_fields=["state", "fapiao_number", "link", "issued_at", "issued_by", "amount_fen"])
    if kept is not None:
        FapiaoFile.objects.create(request=request, name=kept[0], content_type=kept[1], body=kept[2])
    announcements.fapiao_issued(request)
    return request


@transaction.atomic
def reverse_fapiao(*, request_id: int, red_number: str, amount_fen: int, by: Customer, now: datetime) -> FapiaoRequest:
    """Note that finance has cancelled a part of a fapiao by a red letter, or all of it; then its orders are free again.

    Raises:
        AlreadyDecided: it is not issued, or is cancelled wholly.
        BadFapiao: no number, or more than is left of it.
    """
    request = _locked(request_id)
    if request.state != FapiaoRequest.State.ISSUED:
        raise AlreadyDecided(state=request.state)
    red_number, left = _number(red_number), request.amount_fen - reversed_fen(request)
    if not 0 < amount_fen <= left:
        said = f"{money(amount_fen)} cannot be cancelled: {money(left)} are left of this fapiao"
        raise BadFapiao(said, field="amount")
    if FapiaoReversal.objects.filter(red_number=red_number).exists():
        raise BadFapiao(f"red letter {red_number} is entered already", field="red_number")
    FapiaoReversal.objects.create(request=request, red_number=red_number, amount_fen=amount_fen, at=now, by=by)
    if amount_fen == left:
        _end(request, FapiaoRequest.State.REVERSED, now, "")
    announcements.fapiao_reversed(request, red_number)
    return request


def reversed_fen(request: FapiaoRequest) -> int:
    """Return how much of a fapiao was cancelled by red letters, in fen."""
    return request.reversals.aggregate(total=Sum("amount_fen"))["total"] or 0


def needs_red_fen(request: FapiaoRequest) -> int:
    """Return how much of an issued fapiao was paid back and not cancelled, in fen: it needs a red letter on that."""
    if request.state != FapiaoRequest.State.ISSUED:
        return 0
    lines = list(request.lines.select_related("purchase"))
    spent = spent_of(line.purchase for line in lines)
    gone = sum(line.amount_fen - spent[line.purchase_id] for line in lines)
    return max(0, gone - reversed_fen(request))


def _bring_up_to_date(request: FapiaoRequest) -> None:
    """Put on each line what is spent now, and take off those with nothing left."""
    total = 0
    for line in request.lines.select_related("purchase"):
        line.amount_fen = spent_fen(line.purchase)
        line.live = line.amount_fen > 0
        line.save(update_fields=["amount_fen", "live"])
        total += line.amount_fen
    if total <= 0:
        raise BadFapiao("everything of these orders was paid back: there is nothing to issue; withdraw it", field="")
    request.amount_fen = total


def _end(request: FapiaoRequest, state: str, now: datetime, why: str) -> None:
    request.state, request.ended_at, request.why = state, now, why.strip()[:200]
    request.save(update_fields=["state", "ended_at", "why"])
    request.lines.update(live=False)


def _locked(request_id: int) -> FapiaoRequest:
    """Lock a request and, before it, its customer, as everywhere."""
    owner = FapiaoRequest.objects.values_list("customer_id", flat=True).get(pk=request_id)
    Customer.objects.select_for_update(no_key=True).get(pk=owner)
    return FapiaoRequest.objects.select_for_update(of=("self",)).get(pk=request_id)


def _check_title(kind: str, title: str, tax_number: str, mail: str) -> None:
    if kind not in BuyerTitle.Kind.values:
        raise BadFapiao(f"a fapiao is for a company or a person, not {kind[:20]!r}", field="kind")
    if not 1 <= len(title) <= 100 or not title.isprintable():
        raise BadFapiao("a fapiao has a title of 1 to 100 characters", field="title")
    if kind == BuyerTitle.Kind.COMPANY and not tax_numbers.is_valid(tax_number):
        raise BadFapiao(
            f"{tax_number[:30]!r} is no tax number: 18 digits and capitals, of which the last one checks the others",
            field="tax_number",
        )
    try:
        if mail:
            validate_email(mail)
    except ValidationError:
        raise BadFapiao(f"{mail[:80]!r} is no mail address", field="mail") from None


def _check_link(link: str, has_file: bool) -> None:
    if not link and not has_file:
        raise BadFapiao("give the link or the file of the fapiao, so that the buyer has it", field="link")
    try:
        if link:
            URLValidator(schemes=["https"])(link)
    except ValidationError:
        raise BadFapiao(f"{link[:80]!r} is no https address", field="link") from None


def _number(text: str) -> str:
    number = "".join(text.split())
    if not 1 <= len(number) <= 40 or not number.isalnum():
        raise BadFapiao(f"{text[:50]!r} is no number of a fapiao: letters and digits, 40 at most", field="number")
    return number


def _file(file: tuple[str, bytes] | None) -> tuple[str, str, bytes] | None:
    if file is None:
        return None
    name, body = file
    ending = name.rpartition(".")[2].lower()
    if ending not in FILE_TYPES or not 0 < len(body) <= MOST_BYTES:
        raise BadFapiao(
            f"{name[:60]!r} ({len(body)} bytes) is no fapiao: a pdf, ofd or xml file of {MOST_BYTES} bytes at most",
            field="file",
        )
    return f"fapiao.{ending}", FILE_TYPES[ending], body
