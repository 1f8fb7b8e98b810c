"""When tokens were used last, as nodes report it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from billing.models import AccessToken
from outbox.errors import UnreadableReport
from outbox.report_kinds import Report

MOST = 5000  # of one report; nodes tell a thousand
STEP = timedelta(seconds=30)  # a newer use by less is not worth a write


def record_uses(report: Report) -> None:
    """Keep the newest use of each token; what is of no token that the shop knows is nothing.

    Raises:
        UnreadableReport: it is no report of uses.
    """
    taken_at = datetime.fromtimestamp(report.entry_ms / 1000, UTC)
    told = {jti: min(at, taken_at) for jti, at in _read(report.body.get("uses")).items()}
    changed = []
    for token in AccessToken.objects.filter(jti__in=told, group__slug=report.group):
        at = told[token.jti]
        if token.last_used_at is None or at >= token.last_used_at + STEP:
            token.last_used_at = at
            changed.append(token)
    AccessToken.objects.bulk_update(changed, ["last_used_at"], batch_size=500)


def _read(uses: Any) -> dict[str, datetime]:
    if not isinstance(uses, dict) or len(uses) > MOST:
        raise UnreadableReport(f"token_uses: `uses` is an object of at most {MOST} tokens")
    found = {}
    for jti, at_ms in uses.items():
        if type(at_ms) is not int or not 0 < at_ms < 2**47 or len(jti) > 64:
            raise UnreadableReport("token_uses: each use is a time in ms")
        found[jti] = datetime.fromtimestamp(at_ms / 1000, UTC)
    return found
