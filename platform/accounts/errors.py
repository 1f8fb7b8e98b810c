"""What can go wrong with people's doors, and with keys of their programs.

PlatformError
    Refused        SmsRefused, SmsCapReached, ApiKeyUnknown, ApiKeyRevoked, ApiKeyExpired, AccountInactive,
                   ScopeMissing, TooManyApiKeys, AccountStays
    Malformed      BadApiKeyRequest
    Unavailable    SmsUnavailable, SecondFactorSealed
"""

from kernel.errors import Malformed, Refused, Unavailable


class SmsRefused(Refused):
    """Takes provider, provider_code, and why: number, limit or setup (accounts.domain.phones.Why); never the number."""

    message = "The provider does not send this message"
    code = "sms_refused"


class SmsUnavailable(Unavailable):
    """Takes provider. Whether the message was sent nobody knows."""

    message = "The provider of messages does not answer"
    code = "sms_unavailable"


class SecondFactorSealed(Unavailable):
    message = (
        "A second factor was sealed with another SECRET_KEY; set SECRET_KEY_PREVIOUS to the one before, or remove it "
        "with `manage.py reset_second_factor EMAIL`"
    )
    code = "second_factor_sealed"


class SmsCapReached(Refused):
    """Takes cap_fen: what may be spent in a day."""

    message = "No more messages are sent today: the day's spending cap is reached"
    code = "sms_cap_reached"
    http_status = 429


class ApiKeyUnknown(Refused):
    message = "There is no such API key; send `Authorization: Bearer tpk_...` as it was shown when it was made"
    code = "api_key_unknown"
    http_status = 401


class ApiKeyRevoked(Refused):
    """Takes revoked_at."""

    message = "This API key was revoked; make another one"
    code = "api_key_revoked"
    http_status = 401


class ApiKeyExpired(Refused):
    """Takes expired_at."""

    message = "This API key has expired; make another one"
    code = "api_key_expired"
    http_status = 401


class AccountInactive(Refused):
    message = "This account is deactivated"
    code = "account_inactive"
    http_status = 401


class ScopeMissing(Refused):
    """Takes scope, and scopes: those that the key has."""

    message = "This API key may not do that; make one with the scope that is missing"
    code = "scope_missing"
    http_status = 403


class TooManyApiKeys(Refused):
    """Takes most."""

    message = "There are as many API keys as an account may have; revoke one that is not needed any more"
    code = "too_many_api_keys"


class BadApiKeyRequest(Malformed):
    message = "An API key has a name, at least one scope, and an end that is not over"
    code = "bad_api_key_request"


class AccountStays(Refused):
    """Takes why: sentences for the person, in their language."""

    message = "Something has to be settled before this account can be deleted"
    code = "account_stays"


class BadWatchList(Malformed):
    message = "A watch list has a name and symbols"
    code = "bad_watch_list"


class TooManyWatchLists(Refused):
    """Takes most."""

    message = "There are as many watch lists as an account may have; remove one first"
    code = "too_many_watch_lists"


class WatchListFull(Refused):
    """Takes most."""

    message = "There are more symbols than a watch list may have"
    code = "watch_list_full"
