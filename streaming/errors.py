"""The data plane's branch of the error tree.

PlatformError
    Refused        QuotaExceeded, PlanFull, MarketNotAllowed, SymbolNotAllowed, LevelNotAllowed, UnknownSymbol,
                   TooManyMessages, TooManyConnections, TooManyViewers,
                   GuestNotAllowed, TooManyCalls, NotAuthenticated, NotCarried, NoSuchAddress, NoSuchSocket,
                   Fenced
    Malformed      AlreadyAuthenticated, BinaryNotSupported, Unsupported, BadParameter, AmbiguousSymbol, TypeConflict,
                   BadRecording
    Unavailable    StoreUnavailable, HistoryUnavailable, StreamLost
"""

from kernel.errors import Malformed, Refused, Unavailable


def causes(error: BaseException) -> str:
    """Return an error and what it came from, down to the first, in one line. For logs: it names hosts and ports."""
    told: list[str] = []
    at: BaseException | None = error
    while at is not None and len(told) < 6:
        told.append(f"{type(at).__name__}: {at}")
        at = at.__cause__ or at.__context__
    return " < ".join(told)


class QuotaExceeded(Refused):
    message = "Max subscriptions reached"
    code = "quota_exceeded"


class PlanFull(QuotaExceeded):
    message = "The plan has no more symbols in this minute, over REST either"
    code = "plan_full"
    http_status = 403


class MarketNotAllowed(Refused):
    message = "The plan does not include this market"
    code = "market_not_allowed"
    http_status = 403


class SymbolNotAllowed(MarketNotAllowed):
    message = "The entitlement leaves this symbol out"
    code = "symbol_not_allowed"


class LevelNotAllowed(Refused):
    message = "The plan does not include this level"
    code = "level_not_allowed"
    http_status = 403


class TypeNotAllowed(Refused):
    message = "The plan does not include this type of data"
    code = "type_not_allowed"
    http_status = 403


class IntervalNotAllowed(Refused):
    message = "The plan does not include bars of this interval"
    code = "interval_not_allowed"
    http_status = 403


class UnknownSymbol(Refused):
    message = "No feed of this node carries this symbol"
    code = "unknown_symbol"
    http_status = 404


class TooManyMessages(Refused):
    message = "Too many messages; slow down"
    code = "too_many_messages"
    http_status = 429


class TooManyConnections(Refused):
    message = "Too many new connections of this customer; wait a moment"
    code = "too_many_connections"
    http_status = 429


class TooManyViewers(TooManyConnections):
    """Of the panel's own pages: nobody is pushed out for one more."""

    message = "So many of the panel's pages are connected already; close one"
    code = "too_many_viewers"


class GuestNotAllowed(Refused):
    message = "Without an account there is TEST.CN alone: its bars and its newest values"
    code = "guest_not_allowed"
    http_status = 403


class TooManyCalls(Refused):
    message = "Too many requests a minute; `retry_after_s` says when the next one is answered"
    code = "too_many_calls"
    http_status = 429


class PushesWait(Refused):
    message = "The market has not read what was pushed before; push this batch again in a few seconds"
    code = "pushes_wait"
    http_status = 429


class NotCarried(Refused):
    message = "This node does not carry such data"
    code = "not_carried"
    http_status = 404


class NoSuchAddress(NotCarried):
    message = "There is no such address here; docs/protocol.md has them"
    code = "no_such_address"


class NoSuchSocket(Refused):
    message = "You have no such connection open"
    code = "no_such_socket"
    http_status = 404


class BinaryNotSupported(Malformed):
    message = "This socket speaks text; send JSON in a text message"
    code = "binary_not_supported"


class AlreadyAuthenticated(Malformed):
    message = "This connection has a token already; open another one for another token"
    code = "already_authenticated"


class NotAuthenticated(Refused):
    message = "Send your token first"
    code = "not_authenticated"
    http_status = 401


class Unsupported(Malformed):
    message = "This node does not carry that"
    code = "unsupported"


class BadParameter(Malformed):
    message = "A query parameter cannot be used"
    code = "bad_parameter"


class AmbiguousSymbol(Malformed):
    message = "A code without its exchange means several things; `available_types` names their types"
    code = "ambiguous_symbol"


class TypeConflict(Malformed):
    message = "A symbol is of another type than the one that was asked for"
    code = "type_conflict"


class StoreUnavailable(Unavailable):
    message = "The real-time store is away; try again in a few seconds"
    code = "store_unavailable"


class HistoryUnavailable(Unavailable):
    message = "History is away; try again in a few seconds"
    code = "history_unavailable"


class Fenced(Refused):
    message = "Another worker holds the lane now; this one must stop writing"
    code = "fenced"


class StreamLost(Unavailable):
    message = "The real-time store came back without windows that it had taken"
    code = "stream_lost"


class BadFile(Malformed):
    message = "This file of bars cannot be read"
    code = "bad_file"


class BackfillRefused(Unavailable):
    message = "Who is asked for bars of the past does not tell them"
    code = "backfill_refused"


class BadRecording(Malformed):
    message = "This folder cannot be replayed"
    code = "bad_recording"
