"""Which of two bars of one minute or day is the true one: the better source's, and of one source the newer one."""

# What was put right by hand stands above all; a bar from the live stream above what was filled in afterwards, and a day
# that its minutes were added up to below every one that somebody told.
_RANKS = {
    "minutes": 0, "import": 1, "backfill": 2, "live": 3, "replay": 3, "simulated": 3, "test": 3, "repair": 4,
}  # fmt: skip
_STEP = 10**14  # more than any version within a source: milliseconds since 1970 are 2 * 10**12


def version_of(source: str, version: int) -> int:
    """Return a row's version: its source's rank, and then what rises with time within the source.

    Raises:
        ValueError: no such source, or a version that does not fit below the next rank.
    """
    if source not in _RANKS:
        raise ValueError(f"no source {source!r} of bars; there are {', '.join(_RANKS)}")
    if not 0 <= version < _STEP:
        raise ValueError(f"version {version} is not from 0 to {_STEP - 1}")
    return _RANKS[source] * _STEP + version
