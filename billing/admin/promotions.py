"""What makes packs cheaper or leads people to them: coupons, longer terms, trials, invitations."""

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import display

from billing.admin.verbs import ROWS_SHOWN, Office, Table
from billing.domain.pricing import yuan
from billing.models import Commission, Coupon, CouponUse, Invitation, TermDiscount, Trial, TrialOffer


class CouponForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    class Meta:
        model = Coupon
        fields = ("code", "percent", "off_fen", "limit", "per_customer", "plans", "starts_at", "ends_at", "active")

    def clean_code(self) -> str:
        return str(self.cleaned_data["code"]).strip().upper()

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if "percent" in self.fields and bool(said.get("percent")) == bool(said.get("off_fen")):
            text = _now("A coupon takes either a percentage or an amount off: fill in one of them.")
            raise forms.ValidationError({"percent": text})
        if said.get("starts_at") and said.get("ends_at") and said["ends_at"] <= said["starts_at"]:
            raise forms.ValidationError(_now("It would end before it starts."))
        return said


@admin.register(Coupon)
class CouponAdmin(ModelAdmin):
    """Coupons are edited as long as they live; what was ordered with one keeps its price."""

    form = CouponForm
    list_display = ("code", "off", "limit", "used", "per_customer", "starts_at", "ends_at", "active")
    list_filter = ("active",)
    search_fields = ("code",)
    filter_horizontal = ("plans",)
    list_per_page = 50
    show_full_result_count = False

    @display(description=_("used or reserved"))
    def used(self, coupon: Coupon) -> int:
        return coupon.uses.exclude(state=CouponUse.State.FREED).count()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # What people have been told of a code stays; how often and how long it counts may change.
        return ("code", "percent", "off_fen") if obj is not None and obj.uses.exists() else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and (obj is None or not obj.uses.exists())


@admin.register(CouponUse)
class CouponUseAdmin(Office):
    list_display = ("coupon", "customer", "purchase", "state", "changed_at")
    list_filter = ("state", "coupon")
    list_select_related = ("coupon", "customer", "purchase")


@admin.register(TermDiscount)
class TermDiscountAdmin(ModelAdmin):
    list_display = ("months", "plan", "percent")
    list_select_related = ("plan",)


@admin.register(TrialOffer)
class TrialOfferAdmin(ModelAdmin):
    list_display = ("plan", "days", "price_fen", "active")
    list_select_related = ("plan",)


@admin.register(Trial)
class TrialAdmin(Office):
    list_display = ("customer", "purchase", "at")
    list_select_related = ("customer", "purchase")
    search_fields = ("customer__email",)
    exclude = ("phone_digest",)


@admin.register(Invitation)
class InvitationAdmin(Office):
    list_display = ("inviter", "invitee", "at")
    list_select_related = ("inviter", "invitee")
    search_fields = ("inviter__email", "invitee__email")

    def tables(self, row: Invitation) -> Iterable[Table]:
        """What it has earned."""
        earned = Commission.objects.filter(inviter=row.inviter, purchase__customer=row.invitee)
        yield Table(
            _("Commissions"), "billing.view_commission",
            (_("order"), _("amount"), _("state"), pgettext_lazy("a commission", "due")),
            [(one.purchase, yuan(one.amount_fen), one.get_state_display(), one.due_at) for one in
             earned.select_related("purchase")[:ROWS_SHOWN]],
        )  # fmt: skip


@admin.register(Commission)
class CommissionAdmin(Office):
    list_display = ("inviter", "purchase", "percent", "amount_fen", "paid_fen", "state", "earned_at", "due_at")
    list_filter = ("state",)
    list_select_related = ("inviter", "purchase")
    search_fields = ("inviter__email",)
