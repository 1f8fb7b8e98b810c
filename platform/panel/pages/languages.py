"""The languages of the wire as people call them: those that have a folder in templates/connect."""

from functools import cache

from django.conf import settings


@cache
def languages() -> dict[str, str]:
    """Return the name that nodes tell -> title, ours first."""
    folders = (settings.BASE_DIR / "templates" / "connect").iterdir()
    ours_first = sorted(folders, key=lambda one: (one.name != "native", one.name))
    return {one.name: (one / "title.txt").read_text().strip() for one in ours_first}
