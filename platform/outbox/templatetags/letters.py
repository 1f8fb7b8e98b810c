"""What templates of mails ask for beyond Django's own."""

from django import template
from django.utils.safestring import SafeString, mark_safe

register = template.Library()
_COLOUR = "#0b5c56"


@register.filter
def coloured(html: SafeString) -> SafeString:
    """Give the links that `urlize` made a colour of their own; a client's for links is meant for its own background."""
    return mark_safe(html.replace('<a href="', f'<a style="color:{_COLOUR};" href="'))  # noqa: S308 - as safe as it was
