"""Judges what was said by what is documented: JSON Schema of 2020-12, and who is meant by which schema."""

from collections.abc import Iterable, Sequence
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from streaming.wire.describe import Message, Schema, descriptions


def _waived(check: Any) -> Any:
    """A keyword that says nothing of what samples write for a value that differs from run to run."""
    return lambda judge, value, said, schema: () if said in ("<any>", "<text>") else check(judge, value, said, schema)


OfSamples = extend(
    Draft202012Validator, {word: _waived(check) for word, check in Draft202012Validator.VALIDATORS.items() if check}
)
_WRITTEN = {
    "<ms>": 1_773_037_800_000, "<ms text>": "1773037800000", "<wall>": "2026-03-09 14:30:00.000",
}  # fmt: skip


def written_out(value: Any) -> Any:
    """Return a line of a golden conversation with values for its placeholders; "<any>" and "<text>" stay."""
    if isinstance(value, dict):
        return {name: written_out(one) for name, one in value.items()}
    if isinstance(value, list):
        return [written_out(one) for one in value]
    return _WRITTEN.get(value, value) if isinstance(value, str) else value


def fits(schema: Schema, said: Any, judge: Any = Draft202012Validator) -> bool:
    return bool(judge(schema).is_valid(said))


def meant(messages: Iterable[Message], said: Any, judge: Any = Draft202012Validator) -> list[str]:
    """Return the names of the documented messages that something said can be."""
    return [one.name for one in messages if fits(one.payload, said, judge)]


def undocumented(dialect: str, heard: Sequence[Any]) -> list[Any]:
    """Return what a server said that none of its language's documented messages is, or that two are."""
    told = descriptions()[dialect].socket
    assert told is not None
    return [said for said in heard if len(meant(told.hears, said)) != 1]
