"""What groups know of customers' rights is written again, as a Redis that has lost it needs."""

import logging
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any

from kernel.errors import PlatformError
from nodes import selectors, store
from nodes.errors import NoSuchGroup, UnknownTransport
from outbox.errors import LinkAway
from outbox.transports.redis import Command, Tell

log = logging.getLogger(__name__)


def write_entitlements(scopes: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Write scopes (Scope.as_json) to their groups; return those that were news there, which open sockets are told.

    A group whose Redis is away is left out: it gets them when it is back and this is done again.
    """
    news: list[dict[str, Any]] = []
    for group, batch in _by_group(scopes, "aud"):
        try:
            link = selectors.link_named(group)
            changed = link.apply([store.entitlement(scope) for scope in batch])
            new = [scope for scope, is_news in zip(batch, changed, strict=True) if is_news]
            link.apply([Tell({"kind": "entitlement", "customer": scope["sub"], "group": group}) for scope in new])
            news += new
        except (LinkAway, UnknownTransport, NoSuchGroup) as error:
            _note(group, error)
    return news


def write_revocations(revocations: Iterable[dict[str, Any]]) -> None:
    """Write again which tokens no longer work: dicts of `group` and of what store.revocation takes."""
    for group, batch in _by_group(revocations, "group"):
        commands: list[Command] = []
        for one in batch:
            commands += store.revocation(**{name: value for name, value in one.items() if name != "group"})
        try:
            selectors.link_named(group).apply(commands)
        except (LinkAway, UnknownTransport, NoSuchGroup) as error:
            _note(group, error)


def _by_group(rows: Iterable[dict[str, Any]], name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for group, found in groupby(sorted(rows, key=itemgetter(name)), key=itemgetter(name)):
        yield group, list(found)


def _note(group: str, error: PlatformError) -> None:
    log.warning("group %s: rights could not be written again: %s", group, error)
