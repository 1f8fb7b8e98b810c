"""What a wire language looks like from outside: the messages of its sockets and the addresses of its REST, as data.

Each package under streaming.wire.dialects has a module `describe` beside its code, with a `SOCKET`, a `REST` or both;
OpenAPI (config.openapi) and AsyncAPI (streaming.api.documents) are written from them and from nothing else. A schema
is JSON Schema of 2020-12; an object has exactly the fields that it names.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from streaming.wire.dialect import brought

Schema = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a socket. `example` is one that fits."""

    name: str
    summary: str
    payload: Schema
    example: Any


@dataclass(frozen=True, slots=True)
class SocketDescription:
    """What is said on a language's sockets. Paths and the token's places are those of its `Dialect`."""

    title: str
    description: str
    says: Sequence[Message]  # the client
    hears: Sequence[Message]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of the query. `example` is a value that is answered with success."""

    name: str
    description: str
    example: Any
    schema: Schema = field(default_factory=lambda: {"type": "string"})
    required: bool = False
    as_json: bool = False  # the value is a JSON text; `schema` and `example` are of what it says


@dataclass(frozen=True, slots=True)
class Operation:
    """One address: what it takes, and the body of a success; None where there is no success to be had."""

    path: str  # as in streaming.urls; what varies stands in braces
    summary: str
    answer: Schema | None
    parameters: Sequence[Parameter] = ()
    method: str = "get"
    body: Schema | None = None  # of a POST
    body_example: Any = None
    refusals: Mapping[int, str] | None = None  # HTTP status -> when; None: those of its `Rest`
    needs_token: bool = True
    by_operator: bool = False  # with a secret of the node's operator, and no customer's token
    status: int = 200
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Rest:
    """The addresses of one language.

    `refusals` are the HTTP statuses of its errors, with when each is answered; all have the body `error`. A language
    may say errors with the status 200.
    """

    title: str
    description: str
    error: Schema
    refusals: Mapping[int, str]
    operations: Sequence[Operation]
    token_headers: Sequence[str] = ()  # beside `Authorization: Bearer`
    token_parameters: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Description:
    """Everything that is told of one language."""

    name: str
    socket: SocketDescription | None
    rest: Rest | None


@cache
def descriptions() -> Mapping[str, Description]:
    """Return what every language tells of itself, by the name of its package."""
    return {
        name: Description(name, getattr(module, "SOCKET", None), getattr(module, "REST", None))
        for name, module in brought("describe").items()
    }


# -- schemas, in few words ---------------------------------------------------------------------------------------------

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
FLAG: Schema = {"type": "boolean"}
NULL: Schema = {"type": "null"}
EPOCH_MS: Schema = {"type": "integer", "minimum": 1_000_000_000_000, "description": "ms since 1970, UTC"}
INSTANT: Schema = {
    "type": "string",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
    "description": "UTC, like 2026-03-09T06:30:01.500Z",
}
DECIMAL: Schema = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "description": "a decimal number as a text"}
DIGITS: Schema = {"type": "string", "pattern": r"^\d+$", "description": "a whole number as a text"}


def obj(optional: Mapping[str, Schema] | None = None, **fields: Schema) -> Schema:
    """Return the schema of an object with exactly these fields; those under `optional` may be missing."""
    return {
        "type": "object",
        "properties": {**fields, **(optional or {})},
        "required": list(fields),
        "additionalProperties": False,
    }


def loose(optional: Mapping[str, Schema] | None = None, **fields: Schema) -> Schema:
    """The same for what a client says: fields that nobody knows are passed over."""
    return {key: value for key, value in obj(optional, **fields).items() if key != "additionalProperties"}


def many(items: Schema, *, least: int = 0, most: int | None = None) -> Schema:
    """Return the schema of a list."""
    return {"type": "array", "items": items, "minItems": least, **({"maxItems": most} if most is not None else {})}


def by_name(values: Schema) -> Schema:
    """Return the schema of an object whose fields are named by data: symbols, markets."""
    return {"type": "object", "additionalProperties": values}


def is_(value: Any) -> Schema:
    """Return the schema of one fixed value."""
    return {"const": value}


def one_of(*values: Any) -> Schema:
    """Return the schema of a word out of some."""
    return {"enum": list(values)}


def either(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def or_null(schema: Schema) -> Schema:
    """Return a schema that null fits too."""
    return {"anyOf": [schema, NULL]}
