"""JSON in, JSON out: requests are strict, so that a misspelt coupon is said and not forgotten; answers may grow."""

from typing import Any

from rest_framework import serializers

from billing.domain.pricing import MAX_MONTHS, MIN_MONTHS
from billing.models import GiftCode, Prepayment, Purchase

_KINDS = (Purchase.Kind.STACK, Purchase.Kind.EXTEND, Purchase.Kind.UPGRADE)
_LARGEST = 2**53 - 1  # that every language's JSON reads exactly
_FEN = "1/100 CNY"
# With $, as OpenAPI has it: what stands around a text is stripped before.
_GATEWAY = r"^[A-Za-z0-9_-]{0,20}$"


class Strict(serializers.Serializer[Any]):
    """Refuses fields that there are not."""

    def to_internal_value(self, data: Any) -> Any:
        known = {name for name, field in self.fields.items() if not field.read_only}
        if unknown := sorted(set(data) - known):
            wrong = serializers.ErrorDetail(f"There is no such field; there are {', '.join(sorted(known))}.", "unknown")
            raise serializers.ValidationError({name[:40]: [wrong] for name in unknown[:20]})
        return super().to_internal_value(data)


class PreviewRequest(Strict):
    """What a buyer wants. Prices never come from outside."""

    plan = serializers.SlugField(max_length=40)
    node = serializers.SlugField(max_length=40)
    kind = serializers.ChoiceField(choices=[str(one) for one in _KINDS], default="stack")
    months = serializers.IntegerField(
        min_value=0, max_value=MAX_MONTHS, help_text=f"{MIN_MONTHS} to {MAX_MONTHS}; 0 for an upgrade, whose end stays"
    )
    extends = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=_LARGEST,
        help_text="kind extend: any grant of the chain that goes on",
    )  # fmt: skip
    replaces = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=_LARGEST,
        help_text="kind upgrade: the grant in force",
    )  # fmt: skip
    with_later = serializers.BooleanField(default=False, help_text="kind upgrade: what extends that grant goes with it")
    coupon = serializers.RegexField(r"^[A-Za-z0-9-]{0,24}$", required=False, allow_blank=True, default="")
    use_balance = serializers.BooleanField(default=False, help_text="pay from the balance as far as it goes")


class OrderRequest(PreviewRequest):
    """An order: what was previewed, with the quote that holds its price."""

    quote = serializers.CharField(
        max_length=1000, required=False, allow_blank=True, default="",
        help_text="of a preview: the price that was shown, or 409; without it the price of now",
    )  # fmt: skip
    gateway = serializers.RegexField(_GATEWAY, required=False, allow_blank=True, default="")


class TrialRequest(Strict):
    plan = serializers.SlugField(max_length=40)
    node = serializers.SlugField(max_length=40)
    gateway = serializers.RegexField(_GATEWAY, required=False, allow_blank=True, default="")


class TopUpRequest(Strict):
    amount_fen = serializers.IntegerField(min_value=1, max_value=_LARGEST, help_text=_FEN)
    gateway = serializers.RegexField(_GATEWAY, required=False, allow_blank=True, default="")


class GiftRequest(Strict):
    plan = serializers.SlugField(max_length=40)
    months = serializers.IntegerField(min_value=MIN_MONTHS, max_value=MAX_MONTHS)
    gateway = serializers.RegexField(_GATEWAY, required=False, allow_blank=True, default="")


class RedeemRequest(Strict):
    code = serializers.RegexField(r"^[A-Za-z0-9 -]{1,60}$", help_text="blanks and hyphens are ignored")
    node = serializers.SlugField(max_length=40)
    extends = serializers.IntegerField(
        required=False, allow_null=True, default=None, min_value=1, max_value=_LARGEST,
        help_text="a grant of the same plan that it goes on behind",
    )  # fmt: skip


class RenewalRequest(Strict):
    on = serializers.BooleanField(required=True)
    months = serializers.IntegerField(min_value=MIN_MONTHS, max_value=MAX_MONTHS, default=1)


class FieldError(serializers.Serializer[Any]):
    """What is wrong with one field; `field` is empty for the body as a whole."""

    field = serializers.CharField(allow_blank=True)
    code = serializers.CharField()
    message = serializers.CharField()


class ProblemShown(serializers.Serializer[Any]):
    """An error (RFC 9457). `code` is stable; further fields carry the numbers of that code."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    code = serializers.CharField()
    errors = FieldError(many=True, required=False, help_text="of `fields_invalid`")  # type: ignore[assignment]


class ConflictShown(ProblemShown):
    """An order that the rules forbid. The further fields come with `price_changed`: the price of now, pinned."""

    due_fen = serializers.IntegerField(required=False, help_text=_FEN)
    quote = serializers.CharField(required=False)
    until = serializers.DateTimeField(required=False)


class ProblemKind(serializers.Serializer[Any]):
    code = serializers.CharField()
    status = serializers.IntegerField()
    title = serializers.CharField()


class ProblemKinds(serializers.Serializer[Any]):
    items = ProblemKind(many=True)


class PlanDiscount(serializers.Serializer[Any]):
    months = serializers.IntegerField(help_text="from so many on")
    percent = serializers.IntegerField()


class PlanTrial(serializers.Serializer[Any]):
    days = serializers.IntegerField()
    due_fen = serializers.IntegerField(allow_null=True, help_text="what it costs you; null where you get none")
    refusal = serializers.CharField(allow_blank=True, help_text="had_one or phone_had_one")


class PlanNode(serializers.Serializer[Any]):
    node = serializers.CharField()
    group = serializers.CharField()
    region = serializers.CharField()
    refusal = serializers.CharField(
        allow_blank=True, help_text="why the plan cannot be bought there now; empty: it can"
    )


class PlanShown(serializers.Serializer[Any]):
    plan = serializers.CharField()
    name_en = serializers.CharField()
    name_zh = serializers.CharField()
    price_fen = serializers.IntegerField(help_text="a month, in 1/100 CNY")
    symbols = serializers.IntegerField()
    max_connections = serializers.IntegerField()
    markets = serializers.ListField(child=serializers.CharField())
    levels = serializers.ListField(child=serializers.CharField())
    types = serializers.ListField(child=serializers.CharField())
    intervals = serializers.ListField(child=serializers.CharField())
    held_back = serializers.BooleanField(help_text="not sold at present: the data of a market is not licensed")
    discounts = PlanDiscount(many=True)
    trial = PlanTrial(allow_null=True)
    nodes = PlanNode(many=True)


class PlansShown(serializers.Serializer[Any]):
    items = PlanShown(many=True)


class SegmentShown(serializers.Serializer[Any]):
    """A stretch of time; `until` is null for the nothing at the end, types and intervals where all are had."""

    since = serializers.DateTimeField()
    until = serializers.DateTimeField(allow_null=True)
    symbols = serializers.IntegerField()
    max_connections = serializers.IntegerField()
    markets = serializers.ListField(child=serializers.CharField())
    levels = serializers.ListField(child=serializers.CharField())
    types = serializers.ListField(child=serializers.CharField(), allow_null=True)
    intervals = serializers.ListField(child=serializers.CharField(), allow_null=True)


class PreviewShown(serializers.Serializer[Any]):
    """list_fen = discount_fen + rounding_fen + due_fen; of an upgrade, list_fen is what is left after credit_fen."""

    plan = serializers.CharField()
    node = serializers.CharField()
    group = serializers.CharField()
    list_fen = serializers.IntegerField(help_text=_FEN)
    credit_fen = serializers.IntegerField(help_text="unused cash of what an upgrade replaces")
    discount_fen = serializers.IntegerField()
    rounding_fen = serializers.IntegerField()
    due_fen = serializers.IntegerField()
    balance_fen = serializers.IntegerField(help_text="of what is due, from the balance")
    currency = serializers.CharField()
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    before = SegmentShown(many=True)
    after = SegmentShown(many=True)
    quote = serializers.CharField(help_text="holds the price until `until`")
    until = serializers.DateTimeField()


class OrderGrant(serializers.Serializer[Any]):
    """The right that a settled order gave; `closed` where it was ended early, an upgrade's doing too."""

    id = serializers.IntegerField()
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    closed = serializers.DateTimeField(allow_null=True)


class OrderShown(serializers.Serializer[Any]):
    id = serializers.CharField()
    state = serializers.ChoiceField(choices=Purchase.State.choices)
    kind = serializers.ChoiceField(choices=Purchase.Kind.choices)
    plan = serializers.CharField()
    node = serializers.CharField()
    group = serializers.CharField()
    months = serializers.IntegerField()
    days = serializers.IntegerField(help_text="of a trial")
    symbols = serializers.IntegerField()
    extends = serializers.IntegerField(allow_null=True)
    replaces = serializers.IntegerField(allow_null=True)
    coupon = serializers.CharField(allow_blank=True)
    list_fen = serializers.IntegerField(help_text=_FEN)
    credit_fen = serializers.IntegerField()
    discount_fen = serializers.IntegerField()
    rounding_fen = serializers.IntegerField()
    due_fen = serializers.IntegerField()
    balance_fen = serializers.IntegerField()
    currency = serializers.CharField()
    placed = serializers.DateTimeField()
    price_until = serializers.DateTimeField()
    settled = serializers.DateTimeField(allow_null=True)
    grant = OrderGrant(allow_null=True)
    page_url = serializers.CharField(help_text="of the order in the panel, for who is logged in there")
    pay_url = serializers.CharField(
        allow_null=True, help_text="where a browser pays; null but in the answer to an order"
    )


class Listed(serializers.Serializer[Any]):
    """A page, newest first; `next` is the `cursor` of the following one, and null at the end."""

    next = serializers.CharField(allow_null=True)


class OrdersShown(Listed):
    items = OrderShown(many=True)


class TopUpShown(serializers.Serializer[Any]):
    id = serializers.CharField()
    state = serializers.ChoiceField(choices=Prepayment.State.choices)
    due_fen = serializers.IntegerField(help_text=_FEN)
    currency = serializers.CharField()
    placed = serializers.DateTimeField()
    price_until = serializers.DateTimeField()
    settled = serializers.DateTimeField(allow_null=True)
    page_url = serializers.CharField()
    pay_url = serializers.CharField(allow_null=True)


class TopUpsShown(Listed):
    items = TopUpShown(many=True)


class GiftCodeShown(serializers.Serializer[Any]):
    code = serializers.CharField(allow_null=True, help_text="null without the scope `orders`: who has it can redeem it")
    state = serializers.ChoiceField(choices=GiftCode.State.choices)
    expires = serializers.DateTimeField()


class GiftOrderShown(TopUpShown):
    plan = serializers.CharField()
    months = serializers.IntegerField()
    gift = GiftCodeShown(allow_null=True, help_text="null until it is paid")


class GiftOrdersShown(Listed):
    items = GiftOrderShown(many=True)


class BalanceLine(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    kind = serializers.CharField(help_text="payment, reserved, released, refund, commission and others")
    amount_fen = serializers.IntegerField(help_text="positive: into the balance")
    order = serializers.CharField(allow_null=True)


class BalanceShown(Listed):
    balance_fen = serializers.IntegerField(help_text="without what orders that wait have reserved")
    currency = serializers.CharField()
    items = BalanceLine(many=True)


class PresentGrant(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    plan = serializers.CharField()
    node = serializers.CharField()
    symbols = serializers.IntegerField()
    starts = serializers.DateTimeField()
    ends = serializers.DateTimeField()
    extends = serializers.IntegerField(allow_null=True)


class GroupTimeline(serializers.Serializer[Any]):
    group = serializers.CharField()
    name = serializers.CharField()
    segments = SegmentShown(many=True)
    grants = PresentGrant(many=True, help_text="what gives something now or later; `extends` and `replaces` name these")


class TimelineShown(serializers.Serializer[Any]):
    items = GroupTimeline(many=True)


class UsageDay(serializers.Serializer[Any]):
    day = serializers.DateField()
    symbols = serializers.IntegerField(help_text="different ones that were followed")
    due = serializers.IntegerField(help_text="bars of 1.5 s that there were for your sockets")
    sent = serializers.IntegerField()
    late = serializers.IntegerField()


class UsageGroup(serializers.Serializer[Any]):
    group = serializers.CharField()
    symbols = serializers.IntegerField(help_text="that may be followed now")
    max_connections = serializers.IntegerField()
    live = serializers.ListField(child=serializers.CharField(), help_text="where nodes tell what is in use this second")


class UsageShown(serializers.Serializer[Any]):
    first = serializers.DateField()
    last = serializers.DateField()
    days = UsageDay(many=True)
    groups = UsageGroup(many=True)


class ReceiptShown(serializers.Serializer[Any]):
    purchase = serializers.CharField()
    settled = serializers.DateTimeField()
    plan = serializers.CharField()
    kind = serializers.ChoiceField(choices=Purchase.Kind.choices)
    paid_fen = serializers.IntegerField(help_text=_FEN)
    currency = serializers.CharField()
    receipt_url = serializers.CharField(help_text="the receipt as PDF")


class ReceiptsShown(Listed):
    items = ReceiptShown(many=True)


class RenewalShown(serializers.Serializer[Any]):
    grant = serializers.IntegerField(help_text="the last one of its chain")
    group = serializers.CharField()
    plan = serializers.CharField()
    ends = serializers.DateTimeField()
    on = serializers.BooleanField()
    months = serializers.IntegerField()
    renews = serializers.DateTimeField(
        allow_null=True, help_text="when it is extended from the balance; null: it is not"
    )


class RenewalsShown(serializers.Serializer[Any]):
    items = RenewalShown(many=True)
