"""People, their addresses and staff's groups, for admins. Nobody makes themselves or others more than they are."""

from typing import Any

from allauth.account.admin import EmailAddressAdmin as AllauthEmailAddressAdmin
from allauth.account.models import EmailAddress
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin

from accounts import selectors
from accounts.models import Customer

admin.site.unregister(Group)
admin.site.unregister(EmailAddress)


@admin.register(Customer)
class CustomerAdmin(ModelAdmin):
    list_display = ("email", "is_active", "is_staff", "language", "date_joined", "last_login")
    list_filter = ("is_active", "is_staff", "language")
    search_fields = ("email", "public_id")
    fields = (
        "email",
        "public_id",
        "language",
        "is_active",
        "is_staff",
        "is_superuser",
        "groups",
        "date_joined",
        "last_login",
    )
    readonly_fields = ("email", "public_id", "date_joined", "last_login")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # people sign up; the first admin comes from createsuperuser

    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        return super().has_change_permission(request, obj) and (
            obj is None or selectors.may_touch(_staff(request), obj)
        )

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Who may not make admins may not become one here either.
        locked = () if _staff(request).is_superuser else ("is_staff", "is_superuser", "groups")
        return (*self.readonly_fields, *locked)


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


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):
    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_manytomany(db_field, request, **kwargs)
        if db_field.name == "permissions" and field is not None:
            field.queryset = selectors.permissions_to_give(_staff(request))
        return field

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_change_permission(request, obj) and self._may(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        return super().has_delete_permission(request, obj) and self._may(request, obj)

    def _may(self, request: HttpRequest, obj: Group | None) -> bool:
        return obj is None or selectors.may_edit_group(_staff(request), obj)

    def get_actions(self, request: HttpRequest) -> Any:
        return {name: one for name, one in super().get_actions(request).items() if name != "delete_selected"}


def _staff(request: HttpRequest) -> Customer:
    assert isinstance(request.user, Customer)  # the admin lets nobody else in
    return request.user
