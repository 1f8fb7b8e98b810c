"""What a person may change about themselves."""

from accounts.models import Customer, languages


def choose_language(*, customer: Customer, language: str) -> bool:
    """Write to this person in another language from now on; return whether it is one that we have."""
    if language not in dict(languages()):
        return False
    Customer.objects.filter(pk=customer.pk).update(language=language)
    customer.language = language
    return True
