"""What an action of a list asks before it is done: what will happen, and whether that is meant."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin


def ask_first(
    request: HttpRequest, page: ModelAdmin, *, action: str, rows: Sequence[Model], notes: Iterable[Any]
) -> HttpResponse | None:
    """Return the page that asks, or None once the answer is yes.

    Args:
        action: the action's name; its description is what the button says.
        rows: that it is done to; what is chosen anew meanwhile is none of them.
        notes: sentences that say what will happen.
    """
    if "sure" in request.POST:
        return None
    title = page.get_actions(request)[action][2]
    label = f"{page.opts.app_label}_{page.opts.model_name}"
    context = {
        **page.admin_site.each_context(request), "opts": page.opts, "title": title, "rows": rows, "notes": notes,
        "action": action, "chosen": ACTION_CHECKBOX_NAME, "home": reverse(f"admin:{label}_changelist"),
    }  # fmt: skip
    return TemplateResponse(request, "admin/nodes/sure.html", context)
