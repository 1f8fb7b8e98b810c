"""The error tree of the project: three families, told apart by who has to act; an error is raised next to its rule.

PlatformError
    Refused        the rules forbid it; the caller changes the request
    Malformed      we cannot read it; the caller fixes the bytes
    Unavailable    a store, feed or gateway is down; the caller tries again
"""

from typing import Any, ClassVar


class PlatformError(Exception):
    """Something we foresaw. `code` is stable and unique across the project; `fields` carry the numbers.

    Args:
        message: what a person reads; without one, what the class says.
    """

    code: ClassVar[str] = "platform_error"
    http_status: ClassVar[int] = 500
    message: str = "Something we foresaw"

    def __init__(self, message: str = "", **fields: Any) -> None:
        self.message = message or self.message
        self.fields = fields
        super().__init__(self.message)

    def as_json(self) -> dict[str, Any]:
        """Return the one shape every API answers an error with."""
        return {"code": self.code, "message": self.message, **self.fields}


class Refused(PlatformError):
    message = "The rules forbid this request."
    code = "refused"
    http_status = 409


class Malformed(PlatformError):
    message = "The request cannot be read."
    code = "malformed"
    http_status = 400


class Unavailable(PlatformError):
    message = "Something this request needs is away; try again."
    code = "unavailable"
    http_status = 503
