"""Work that is done on several database connections at once, for tests of races."""

import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.db import close_old_connections, connection


def at_once(works: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run each on a connection of its own, all at once; return what each gave, or the name of its error."""
    results: list[Any] = [None] * len(works)

    def run(nth: int, work: Callable[[], Any]) -> None:
        close_old_connections()
        try:
            results[nth] = work()
        except Exception as error:
            results[nth] = type(error).__name__
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results
