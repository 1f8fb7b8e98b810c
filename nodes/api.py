"""The JSON entrance to a customer's own proof of delivery."""

from datetime import date, timedelta

from django.conf import settings
from django.utils.timezone import localdate
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Customer
from kernel.clock import utc_now
from kernel.instruments import BadSymbol, InstrumentId
from nodes import selectors
from nodes.errors import BadDeliveryQuery
from nodes.serializers import DeliveryShown, ErrorOfDelivery

PAGE = 200
MOST_DAYS = 92  # of one question: a quarter
_USUAL_DAYS = 7


@extend_schema(
    tags=["Shop"],
    operation_id="delivery",
    parameters=[
        OpenApiParameter("from", date, description="first day, YYYY-MM-DD at the exchange; a week before `to`"),
        OpenApiParameter("to", date, description=f"last day, itself included; today. {MOST_DAYS} days at most"),
        OpenApiParameter("symbol", str, description="that one alone"),
        OpenApiParameter("after", str, description="`next` of the page before"),
    ],
    responses={
        200: DeliveryShown,
        400: OpenApiResponse(ErrorOfDelivery, "a day, the range, the symbol or `after` cannot be used"),
        403: OpenApiResponse(OpenApiTypes.OBJECT, "nobody is logged in"),
    },
)
@api_view(["GET"])
def delivery(request: Request) -> Response:
    """Tell the caller what was due of bars by day and symbol, what was sent, and what of it late."""
    customer = request.user
    assert isinstance(customer, Customer)  # DEFAULT_PERMISSION_CLASSES lets nobody else in
    asked = request.query_params
    first, last = days_asked(asked.get("from", ""), asked.get("to", ""), localdate(utc_now()))
    symbol = _symbol(asked.get("symbol", ""))
    found = selectors.delivered_days(
        customer.pk, first, last, symbol=symbol, after=_after(asked.get("after", "")), most=PAGE + 1
    )
    page, more = found[:PAGE], len(found) > PAGE
    total = selectors.delivered_in_all(customer.pk, first, last, symbol=symbol)
    return Response(
        {
            "first": first.isoformat(),
            "last": last.isoformat(),
            "total": _counts(*total),
            "days": [
                {"day": one.day.isoformat(), "symbol": one.symbol, **_counts(one.due, one.sent, one.late)}
                for one in page
            ],
            "next": f"{page[-1].day.isoformat()}:{page[-1].symbol}" if more else "",
        }
    )


def _counts(due: int, sent: int, late: int) -> dict[str, int]:
    return {"due": due, "sent": sent, "late": late, "not_sent": due - sent}


def days_asked(first: str, last: str, today: date) -> tuple[date, date]:
    """Return the first and the last of the days that `from` and `to` ask for; the last week without them.

    Args:
        today: at the exchange.

    Raises:
        BadDeliveryQuery: no day, the wrong way round, too many, or some that are not kept any more.
    """
    end = _day(last, "to") if last else today
    begin = (
        _day(first, "from")
        if first
        else max(date.min + timedelta(days=_USUAL_DAYS), end) - timedelta(days=_USUAL_DAYS - 1)
    )
    if begin > end:
        raise BadDeliveryQuery(f"`from` is {begin} and `to` {end}; the first day comes first")
    if (end - begin).days >= MOST_DAYS:
        raise BadDeliveryQuery(
            f"from {begin} to {end} are {(end - begin).days + 1} days; ask for {MOST_DAYS} at most", most_days=MOST_DAYS
        )
    if begin < today - timedelta(days=settings.DELIVERY_DAYS):
        raise BadDeliveryQuery(
            f"{begin} is more than {settings.DELIVERY_DAYS} days ago; older days are not kept",
            kept_days=settings.DELIVERY_DAYS,
        )
    return begin, end


def _day(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise BadDeliveryQuery(f"`{name}` is {text[:40]!r}; write a day like 2026-03-10") from None


def _symbol(text: str) -> str:
    return InstrumentId.parse(text).symbol if text else ""


def _after(text: str) -> tuple[date, str] | None:
    if not text:
        return None
    day, _, symbol = text.partition(":")
    try:
        return _day(day, "after"), _symbol(symbol)
    except BadSymbol:
        raise BadDeliveryQuery(f"`after` is {text[:40]!r}; take `next` of the page before as it is") from None
