"""The pages whose words a seller edits: terms, privacy, refund rules, contact, questions."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from content import selectors
from content.models import Page


@require_safe
def text(request: HttpRequest, page: str) -> HttpResponse:
    """Show one of them in the visitor's language."""
    shown = {"text": selectors.text_of(page), "title": Page(page).label}
    return render(request, "panel/text.html", shown)


@require_safe
def questions(request: HttpRequest) -> HttpResponse:
    """Show what is often asked."""
    return render(request, "panel/questions.html", {"text": selectors.text_of(Page.QUESTIONS.value)})
