"""What a shop's account at a provider consists of; the settings are the same, whoever it is."""

from dataclasses import dataclass, field

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Account:
    """Keys of an account, and the name that messages begin with.

    Attributes:
        url: https://host, where the provider is asked.
        sign_name: the reviewed signature, without its brackets 【】.
    """

    url: str
    key_id: str
    key_secret: str = field(repr=False)
    sign_name: str


def account(default_url: str) -> Account:
    """Return what settings say."""
    return Account(
        url=(settings.SMS_URL or default_url).rstrip("/"),
        key_id=settings.SMS_KEY_ID,
        key_secret=settings.SMS_KEY_SECRET,
        sign_name=settings.SMS_SIGN_NAME,
    )


def missing_of(provider: str, *, first: str, second: str) -> list[str]:
    """Return a sentence for each setting that every provider needs and that lacks.

    Args:
        provider: as people call it.
        first, second: what the provider calls the two parts of a key.
    """
    needed = (
        ("SMS_KEY_ID", settings.SMS_KEY_ID, f"the {first} of a key that may send messages and nothing else"),
        ("SMS_KEY_SECRET_FILE", settings.SMS_KEY_SECRET, f"the {second} of that key"),
        ("SMS_SIGN_NAME", settings.SMS_SIGN_NAME, "the reviewed signature, without its brackets"),
        ("SMS_TEMPLATE_LOGIN", settings.SMS_TEMPLATE_LOGIN, "the id of the reviewed text of a code to log in"),
        ("SMS_TEMPLATE_PHONE", settings.SMS_TEMPLATE_PHONE, "the id of the reviewed text of a code to add a number"),
    )
    return [f"{provider} needs {name}: {what}" for name, value, what in needed if not value]
