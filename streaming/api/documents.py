"""A node's sockets as AsyncAPI 3.0 and its addresses as a part of OpenAPI, both out of what each language tells of
itself (streaming.wire.describe). Made once a process.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from streaming.api.rest import json_answer, wrong_method
from streaming.runtime.dialects import dialects
from streaming.store.reports import program_version
from streaming.wire.describe import Description, Message, Operation, Parameter, Rest, descriptions
from streaming.wire.dialect import Dialect

Json = dict[str, Any]
_HINTS: dict[int, tuple[str, str]] = {
    401: ("WWW-Authenticate", "says what is wrong with the token"),
    429: ("Retry-After", "seconds until the next call is answered"),
    503: ("Retry-After", "seconds"),
}


def answer(request: HttpRequest, body: bytes) -> HttpResponse:
    """Return a document that any page may read, or what a browser's OPTIONS and other methods are told."""
    if request.method == "OPTIONS":
        return json_answer({})
    if request.method not in ("GET", "HEAD"):
        return wrong_method(request, ("GET",))
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
    return HttpResponse(body, content_type="application/json", headers=headers)


@csrf_exempt
def asyncapi(request: HttpRequest) -> HttpResponse:
    """Answer how to speak with this node's sockets."""
    return answer(request, _asyncapi_text())


@cache
def _asyncapi_text() -> bytes:
    return json.dumps(asyncapi_document(), ensure_ascii=False).encode()


# -- AsyncAPI ----------------------------------------------------------------------------------------------------------


def asyncapi_document() -> Json:
    """Return every socket of every language: `receive` is what clients say to us, `send` what they hear."""
    channels: Json = {}
    operations: Json = {}
    messages: Json = {}
    schemes: Json = {"bearer": _BEARER, "subprotocol": _SUBPROTOCOL}
    for told, dialect in _spoken():
        assert told.socket is not None
        messages |= {_id(told, one): _message(one) for one in (*told.socket.says, *told.socket.hears)}
        schemes |= _socket_schemes(told.name, dialect)
        for path in dialect.paths:
            key = path.replace("/", "-")
            channels[key] = _channel(told, dialect, path)
            for action, side in (("receive", told.socket.says), ("send", told.socket.hears)):
                operations[f"{key}-{action}"] = _socket_operation(key, action, side, told, dialect)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Tickpack: sockets",
            "version": program_version(),
            "description": "One feed, one token and one quota in several languages.",
            "license": {"name": "as the project"},
        },
        "defaultContentType": "application/json",
        "servers": {
            "node": {
                "host": "{host}",
                "protocol": "wss",
                "description": "A node; `ws` where it stands on your own machine.",
                "variables": {"host": {"default": "127.0.0.1:8000", "description": "host and port of the node"}},
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "securitySchemes": schemes},
    }


_BEARER: Json = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
_OPERATOR: Json = {"type": "http", "scheme": "bearer", "description": "the secret of the node's operator"}
_SUBPROTOCOL: Json = {
    "type": "httpApiKey",
    "in": "header",
    "name": "Sec-WebSocket-Protocol",
    "description": "`bearer, <token>`: for pages, which cannot set other headers",
}


def _spoken() -> Iterator[tuple[Description, Dialect]]:
    for name, told in descriptions().items():
        if told.socket is not None:
            yield told, dialects()[name]


def _id(told: Description, message: Message) -> str:
    return f"{told.name}.{message.name}"


def _message(one: Message) -> Json:
    return {
        "name": one.name,
        "summary": one.summary,
        "payload": one.payload,
        "examples": [{"payload": one.example}],
    }


def _socket_schemes(name: str, dialect: Dialect) -> Json:
    auth = dialect.auth
    found = {f"{name}.header.{one}": ("header", one) for one in auth.headers}
    found |= {f"{name}.query.{one}": ("query", one) for one in auth.query}
    return {key: {"type": "httpApiKey", "in": where, "name": one} for key, (where, one) in found.items()}


def _channel(told: Description, dialect: Dialect, path: str) -> Json:
    assert told.socket is not None
    binding: Json = {"method": "GET", "bindingVersion": "0.1.0"}
    if dialect.auth.query:
        properties = {one: {"type": "string", "description": "the token"} for one in dialect.auth.query}
        binding["query"] = {"type": "object", "properties": properties}
    both = (*told.socket.says, *told.socket.hears)
    return {
        "address": f"/{path}",
        "title": told.socket.title,
        "description": told.socket.description,
        "servers": [{"$ref": "#/servers/node"}],
        "messages": {one.name: {"$ref": f"#/components/messages/{_id(told, one)}"} for one in both},
        "bindings": {"ws": binding},
    }


def _socket_operation(key: str, action: str, messages: Iterable[Message], told: Description, dialect: Dialect) -> Json:
    schemes = ("bearer", "subprotocol", *_socket_schemes(told.name, dialect))
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{key}"},
        "summary": "What a client says" if action == "receive" else "What a client hears",
        "security": [{"$ref": f"#/components/securitySchemes/{scheme}"} for scheme in schemes],
        "messages": [{"$ref": f"#/channels/{key}/messages/{one.name}"} for one in messages],
    }


_NOT_UPGRADED = Operation(
    "",
    "A socket's address, asked without an upgrade",
    None,
    refusals={426: "connect with a WebSocket client; /asyncapi.json says how"},
    needs_token=False,
)


# -- OpenAPI -----------------------------------------------------------------------------------------------------------


def openapi_part() -> Json:
    """Return the node's share of an OpenAPI 3.1 document: `paths`, `components` and `tags`."""
    paths: Json = {}
    schemas: Json = {}
    schemes: Json = {"bearer": _BEARER, "operator": _OPERATOR}
    tags = []
    for told in descriptions().values():
        if told.rest is None:
            continue
        tags.append({"name": told.rest.title, "description": told.rest.description})
        schemas[f"{told.name}_error"] = told.rest.error
        schemes |= _rest_schemes(told.name, told.rest)
        for one in told.rest.operations:
            paths.setdefault(f"/{one.path}", {})[one.method] = _rest_operation(told.name, told.rest, one)
    native = descriptions()["native"].rest
    assert native is not None
    for dialect in dialects().values():
        for path in dialect.paths:
            paths[f"/{path}"] = {"get": _rest_operation("native", native, replace(_NOT_UPGRADED, path=path))}
    return {"paths": paths, "components": {"schemas": schemas, "securitySchemes": schemes}, "tags": tags}


def _rest_schemes(name: str, rest: Rest) -> Json:
    found = {f"{name}_header": ("header", one) for one in rest.token_headers}
    found |= {f"{name}_query": ("query", one) for one in rest.token_parameters}
    return {key: {"type": "apiKey", "in": where, "name": one} for key, (where, one) in found.items()}


def _rest_operation(name: str, rest: Rest, one: Operation) -> Json:
    told: Json = {
        "operationId": f"{one.method}_{one.path.strip('/')}".translate(str.maketrans("/-.{}", "_____"))
        + "_" * one.path.endswith("/"),
        "summary": one.summary,
        "tags": [rest.title],
        "parameters": [_parameter(asked, one.path) for asked in one.parameters],
        "responses": _responses(name, rest, one),
        "security": _security(name, rest, one),
    }
    if "{rest}" in one.path:
        described = {"description": "whatever else", "schema": {"type": "string"}, "example": "nothing/here"}
        told["parameters"].append({"name": "rest", "in": "path", "required": True, **described})
    if one.body is not None:
        body = {"schema": one.body, "example": one.body_example}
        told["requestBody"] = {"required": True, "content": {"application/json": body}}
    return told


def _security(name: str, rest: Rest, one: Operation) -> list[Json]:
    if one.by_operator:
        return [{"operator": []}]
    return [{"bearer": []}, *({key: []} for key in _rest_schemes(name, rest))] if one.needs_token else []


def _parameter(one: Parameter, path: str) -> Json:
    where = "path" if f"{{{one.name}}}" in path else "query"
    told: Json = {"name": one.name, "in": where, "description": one.description, "required": one.required}
    if one.as_json:
        return {**told, "content": {"application/json": {"schema": one.schema, "example": one.example}}}
    return {**told, "schema": one.schema, "example": one.example}


def _responses(name: str, rest: Rest, one: Operation) -> Json:
    error: Json = {"$ref": f"#/components/schemas/{name}_error"}
    refusals = rest.refusals if one.refusals is None else one.refusals
    found: Json = {
        str(status): {
            "description": when,
            "content": {"application/json": {"schema": error}},
            **({"headers": {_HINTS[status][0]: _hint(status)}} if status in _HINTS else {}),
        }
        for status, when in refusals.items()
    }
    if one.answer is not None:
        beside = refusals.get(one.status)
        schema = one.answer if beside is None else {"anyOf": [one.answer, error]}
        description = one.summary if beside is None else f"{one.summary}; or {beside}"
        found[str(one.status)] = {"description": description, "content": {one.media_type: {"schema": schema}}}
    return dict(sorted(found.items()))


def _hint(status: int) -> Json:
    return {"description": _HINTS[status][1], "schema": {"type": "string"}}
