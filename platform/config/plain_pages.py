"""Error pages that need no database, no session and no user: for when one of them is what has failed."""

from django.conf import settings
from django.template.loader import get_template
from django.utils import translation


def page(status: int, language: str, number: str = "") -> bytes:
    """Return the page of a status (400, 500, 503) in a visitor's language.

    Args:
        language: as a browser names it; one that we do not speak is English.
        number: of the request, for somebody to quote; "" where it has none.
    """
    try:
        known = translation.get_supported_language_variant(language)
    except LookupError:
        known = str(settings.LANGUAGE_CODE)
    with translation.override(known):
        # Without a request: no context processor runs, so nobody asks who is logged in.
        shown = {"request_id": number, "contact_mail": settings.REPLY_TO_EMAIL, "language": known}
        return get_template(f"{status}.html").render(shown).encode()
