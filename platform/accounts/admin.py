"""People, their addresses and staff's groups, for admins. Nobody makes themselves or others more than they are."""

from typing import Any, ClassVar

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts import selectors
from accounts.domain.phones import masked
from accounts.models import Customer, SmsMessage
from accounts.services import reset_second_factor
from accounts.words import right_title, role_title
from outbox import kinds
from outbox.services import mailing

MAILS_SHOWN = 20

admin.site.unregister(Group)
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)  # its own page shows the secrets
# People connect and disconnect WeChat themselves, and its keys are settings: nothing of it is staff's to read or write.
for _model in (SocialAccount, SocialApp, SocialToken):
    admin.site.unregister(_model)


@admin.register(Customer)
class CustomerAdmin(ModelAdmin):
    list_display = ("email", "is_active", "is_staff", "language", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "language")
    search_fields = ("email", "public_id")
    fields = (
        "email",
        "public_id",
        "phone_masked",
        "phone_verified_at",
        "language",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "date_joined",
        "last_login",
        "mails",
    )
    readonly_fields = (
        "email",
        "public_id",
        "phone_masked",
        "phone_verified_at",
        "date_joined",
        "last_login",
        "mails",
    )

    # What customers have in apps above, as those say when their admin loads: (label, model with a `customer`).
    things: ClassVar[list[tuple[Any, type[Model]]]] = []
    change_form_outer_before_template = "admin/accounts/things.html"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        found = [
            (label, model._default_manager.filter(customer=object_id).count(), _listed(model, object_id))
            for label, model in self.things
            if object_id.isdecimal() and _may_view(request, model)
        ]
        answer: HttpResponse = super().change_view(
            request, object_id, form_url, {"things": found, **(extra_context or {})}
        )
        return answer

    @display(description=_("mobile number"))
    def phone_masked(self, obj: Customer) -> str:
        return masked(obj.phone) if obj.phone else "-"

    @display(description=_("groups"))
    def roles(self, person: Customer) -> str:
        """Staff's roles, for who may see them and not give them."""
        return ", ".join(role_title(group) for group in person.groups.all()) or "–"

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        locked = "groups" in self.get_readonly_fields(request, obj)
        return tuple("roles" if locked and name == "groups" else name for name in self.fields)

    @display(description=_("newest mails"))
    def mails(self, person: Customer) -> str:
        """What was written to somebody, and whether it arrived; the subjects alone say what happened to their money."""
        rows = mailing.mails_of(person, most=MAILS_SHOWN)
        shown = (
            (
                f"{localtime(one.said_at):%Y-%m-%d %H:%M}",
                kinds.label(one.kind),
                one.subject or "–",
                one.get_state_display(),
            )
            for one in rows
        )
        return format_html_join("", "<div>{} · {} · {} · {}</div>", shown) or "–"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # people sign up; the first admin comes from createsuperuser

    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or selectors.may_touch(_staff(request), obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Who may not make admins may not become one here either; and only a superuser makes superusers.
        actor = _staff(request)
        if actor.is_superuser:
            return self.readonly_fields
        locked = ("is_superuser",) if actor.has_perm("accounts.give_roles") else ("is_staff", "is_superuser", "groups")
        return (*self.readonly_fields, *locked, "roles")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "groups" and field is not None:
            field.queryset = selectors.groups_to_give(_staff(request))
            field.label_from_instance = role_title
        return field


class EmailAddressForm(forms.ModelForm):  # type: ignore[type-arg]  # not subscriptable at run time
    actor: Customer  # set by the admin, for one request

    class Meta:
        model = EmailAddress
        fields = ("user", "email", "verified", "primary")

    def clean_user(self) -> Customer:
        person: Customer = self.cleaned_data["user"]
        if not selectors.may_touch(self.actor, person):
            raise forms.ValidationError(_("You may not change this person's addresses."))
        return person

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        person_id = said["user"].pk if "user" in said else self.instance.user_id
        if Customer.objects.filter(email__iexact=said.get("email", "")).exclude(pk=person_id).exists():
            raise forms.ValidationError({"email": _("This is another person's address.")})
        return said


@admin.register(EmailAddress)
class EmailAddressAdmin(AllauthEmailAddressAdmin, ModelAdmin):
    form = EmailAddressForm

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return type("BoundForm", (super().get_form(request, *args, **kwargs),), {"actor": _staff(request)})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # An address that goes to somebody else would be a key to their account.
        return ("user",) if obj else ()

    def has_change_permission(self, request: HttpRequest, obj: EmailAddress | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: EmailAddress | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may(request, obj)

    def _may(self, request: HttpRequest, obj: EmailAddress | None) -> bool:
        return obj is None or selectors.may_touch(_staff(request), obj.user)

    def get_actions(self, request: HttpRequest) -> Any:
        # Removing many asks for the right to remove any, not for each of them; one at a time asks properly.
        return {name: one for name, one in super().get_actions(request).items() if name != "delete_selected"}

    @admin.action(description=_("Mark as verified"), permissions=["change"])
    def make_verified(self, request: HttpRequest, queryset: QuerySet[EmailAddress]) -> None:
        allowed = [one.pk for one in queryset.select_related("user") if self._may(request, one)]
        if len(allowed) < len(queryset):
            self.message_user(request, _("You may not change this person's addresses."), messages.ERROR)
        super().make_verified(request, queryset.filter(pk__in=allowed))


@admin.register(Authenticator)
class AuthenticatorAdmin(ModelAdmin):
    """Who has a second factor. Removing it lets somebody in who lost it; never one's own, nor one's better's."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    fields = ("user", "type", "created_at", "last_used_at")
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Authenticator | None = None) -> bool:
        actor = _staff(request)
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or (obj.user_id != actor.pk and selectors.may_touch(actor, obj.user)))

    def delete_model(self, request: HttpRequest, obj: Authenticator) -> None:
        reset_second_factor(customer=obj.user)

    def get_actions(self, request: HttpRequest) -> Any:
        return {name: one for name, one in super().get_actions(request).items() if name != "delete_selected"}


@admin.register(SmsMessage)
class SmsMessageAdmin(ModelAdmin):
    """What was sent to phones and what it cost; the provider's own number leads to the rest."""

    list_display = ("sent_at", "number", "purpose", "outcome", "cost_fen", "provider", "provider_code")
    list_filter = ("outcome", "purpose", "provider")
    search_fields = ("customer__email", "provider_number")
    list_select_related = ("customer",)
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    date_hierarchy = "sent_at"

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: SmsMessage | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: SmsMessage | None = None) -> bool:
        return False


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    list_display = ("title",)

    @display(description=_("name"), ordering="name")
    def title(self, group: Group) -> str:
        return role_title(group)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions" and field is not None:
            field.queryset = selectors.permissions_to_give(_staff(request))
            field.label_from_instance = right_title  # type: ignore[method-assign, assignment]  # as Django says
        return field

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may(request, obj)

    def _may(self, request: HttpRequest, obj: Group | None) -> bool:
        return obj is None or selectors.may_edit_group(_staff(request), obj)

    def get_actions(self, request: HttpRequest) -> Any:
        return {name: one for name, one in super().get_actions(request).items() if name != "delete_selected"}


def _may_view(request: HttpRequest, model: type[Model]) -> bool:
    return _staff(request).has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}")


def _listed(model: type[Model], customer: str) -> str:
    """Return the address of a model's list with one customer's rows alone."""
    page = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{page}?customer__id__exact={customer}"


def _staff(request: HttpRequest) -> Customer:
    assert isinstance(request.user, Customer)  # the admin lets nobody else in
    return request.user
