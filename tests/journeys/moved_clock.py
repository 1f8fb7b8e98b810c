"""Another clock for a whole run: every process of it lives so many seconds later, its stores too."""

import time
from datetime import datetime, timedelta, timezone

from tests.deployment import servers
from tests.journeys.conftest import ROOT

SHANGHAI = timezone(timedelta(hours=8))


def clock_set_to(wall: str) -> dict[str, str]:
    """Return the environment of a run that begins at `2027-01-04T09:28:00` of the exchange's wall.

    Its Python needs another time.sleep (tests/deployment/late_clock); clocks that only measure go on as they are.
    """
    ahead = datetime.fromisoformat(wall).replace(tzinfo=SHANGHAI).timestamp() - time.time()
    return {
        "LD_PRELOAD": servers.faketime(),
        "FAKETIME": f"+{ahead:.0f}s",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "PYTHONPATH": f"{ROOT / 'tests' / 'deployment' / 'late_clock'}:{ROOT}:{ROOT / 'platform'}",
    }
