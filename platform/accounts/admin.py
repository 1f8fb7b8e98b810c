"""People, for admins."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from accounts.models import Customer


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

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # Who may not make admins may not become one here either.
        locked = () if getattr(request.user, "is_superuser", False) else ("is_staff", "is_superuser", "groups")
        return (*self.readonly_fields, *locked)
