"""Rules of watch lists: what a name is, which symbols stand in one, and how two devices change one list."""

from collections.abc import Iterable, Sequence
from typing import Any

from accounts.errors import BadWatchList, WatchListFull
from kernel.instruments import BadSymbol, InstrumentId

MOST_LISTS = 50  # of a customer
MOST_SYMBOLS = 500  # of a list; as many as one subscribe may name
MOST_CHARACTERS = 40  # of a name


def name_of(text: Any) -> str:
    """Return a list's name with its white space made single.

    Raises:
        BadWatchList: it is no text, empty, or longer than MOST_CHARACTERS.
    """
    name = " ".join(text.split()) if isinstance(text, str) else ""
    if not name or len(name) > MOST_CHARACTERS or not name.isprintable():
        raise BadWatchList(f"a list has a name of 1 to {MOST_CHARACTERS} characters")
    return name


def symbols_of(asked: Any) -> list[str]:
    """Return canonical symbols, each once, in the order in which they were written.

    Raises:
        BadWatchList: it is no list of texts, or one of them has no symbol's form.
        WatchListFull: there are more than MOST_SYMBOLS.
    """
    if not isinstance(asked, list):
        raise BadWatchList("symbols are a list of texts")
    if len(asked) > 2 * MOST_SYMBOLS:
        raise WatchListFull(most=MOST_SYMBOLS)
    try:
        found = list(dict.fromkeys(str(InstrumentId.parse(text)) for text in asked))
    except BadSymbol as error:
        raise BadWatchList(error.message) from None
    return _that_fit(found)


def changed(
    symbols: Sequence[str], *, add: Iterable[str] = (), remove: Iterable[str] = (), order: Sequence[str] = ()
) -> list[str]:
    """Return a list after a change that was made to an older copy of it.

    Another device may have changed it meanwhile: what `order` does not name stays behind what it names, in its own
    order, and what it names and the list lacks is not brought back.

    Raises:
        WatchListFull: there were more than MOST_SYMBOLS.
    """
    gone = set(remove)
    kept = [one for one in dict.fromkeys([*symbols, *add]) if one not in gone]
    known = set(kept)
    first = [one for one in dict.fromkeys(order) if one in known]
    return _that_fit(list(dict.fromkeys([*first, *kept])))


def _that_fit(symbols: list[str]) -> list[str]:
    if len(symbols) > MOST_SYMBOLS:
        raise WatchListFull(most=MOST_SYMBOLS)
    return symbols
