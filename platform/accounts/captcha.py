"""A question that a program has trouble with: five digits, drawn or spoken here; no company outside is asked.

Nothing is kept of a question that was asked: its digits follow from its number and the shop's key. A question that was
answered, rightly or not, is remembered for as long as it would count, so that nobody tries it twice.
"""

import hashlib
import hmac
import secrets
from functools import cache as once
from io import BytesIO

from captcha.audio import AudioCaptcha
from captcha.image import ImageCaptcha
from django.conf import settings
from django.core import signing
from django.core.cache import cache

DIGITS = 5
GOOD_FOR_SECONDS = 600
_SALT = "accounts.captcha"


def new_question() -> str:
    """Return a question, as text of at most 80 characters that may stand in an address."""
    return signing.dumps(secrets.token_urlsafe(12), salt=_SALT)


def digits_of(question: str) -> str:
    """Return what a question asks for.

    Raises:
        ValueError: it was not asked here, or more than ten minutes ago.
    """
    try:
        number = signing.loads(question, salt=_SALT, max_age=GOOD_FOR_SECONDS)
    except signing.BadSignature as error:
        raise ValueError("no question that counts") from error
    digest = hmac.new(settings.SECRET_KEY.encode(), f"{_SALT}:{number}".encode(), hashlib.sha256).digest()
    return f"{int.from_bytes(digest[:8], 'big') % 10**DIGITS:0{DIGITS}d}"


def is_right(question: str, answer: str) -> bool:
    """Tell whether an answer is the right one, and use the question up."""
    try:
        wanted = digits_of(question)
    except ValueError:
        return False
    used = hashlib.sha256(question.encode()).hexdigest()
    if not cache.add(f"captcha-used:{used}", 1, timeout=GOOD_FOR_SECONDS + 60):
        return False
    return hmac.compare_digest(wanted.encode(), "".join(answer.split()).encode())


def picture(question: str) -> bytes:
    """Draw a question as a PNG of 180 by 64; raises ValueError as `digits_of`."""
    digits = digits_of(question)
    drawn: BytesIO = ImageCaptcha(width=180, height=64).generate(digits, "png")
    return drawn.getvalue()


def sound(question: str) -> bytes:
    """Speak a question, in English over noise, as a WAV; raises ValueError as `digits_of`. It takes 0.2 s."""
    digits = digits_of(question)
    return bytes(_voice().generate(digits))


@once
def _voice() -> AudioCaptcha:
    return AudioCaptcha()
