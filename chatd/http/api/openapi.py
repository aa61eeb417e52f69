"""The description of the API as OpenAPI 3.1, made of the table of routes and the types in it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from chatd import __version__
from chatd.http.api.ndjson import MEDIA_TYPE as NDJSON
from chatd.http.api.problems import MEDIA_TYPE as PROBLEM
from chatd.http.api.problems import Problem
from chatd.http.api.route import OPEN, PARAMETERS, SOCKET_ONLY, Asked, Call, Download, Route

JSON = "application/json"
SCHEMAS = "#/components/schemas/{name}"
Schema = dict[str, Any]


class Description(Struct, frozen=True):
    """An OpenAPI document."""

    openapi: str
    info: Schema
    paths: dict[str, dict[str, Schema]]
    components: dict[str, Schema]


@cache
def described(table: Sequence[Route]) -> Description:
    """Return the description of the routes that a key opens, or nothing has to."""
    routes = [route for route in table if route.scope != SOCKET_ONLY]
    asked = [route.asked for route in routes if route.has_body]
    kinds: list[Any] = [
        *dict.fromkeys((Problem, *asked, *(route.answer for route in routes if route.answer is not Download)))
    ]
    found, parts = msgspec.json.schema_components(kinds, ref_template=SCHEMAS)
    schemas = dict(zip(kinds, found, strict=True))
    paths: dict[str, dict[str, Schema]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = operation(route, schemas)
    about = "The API for the back end of an app: docs/api.md."
    return Description(
        openapi="3.1.0",
        info={"title": "chatd", "version": __version__, "description": about},
        paths=paths,
        components={
            "schemas": {name: ecmascript(part) for name, part in parts.items()},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "bearerFormat": "ck_..."}},
        },
    )


def operation(route: Route, schemas: Mapping[Any, Schema]) -> Schema:
    """Return the description of one route."""
    parameters = [*in_path(route.path), *(() if route.has_body else in_query(route.asked))]
    return {
        "operationId": route.handler.__name__,
        "tags": [route.handler.__module__.rpartition(".")[2]],
        "security": [] if route.scope == OPEN else [{"key": [route.needed_scope]}],
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": body(route, schemas)} if route.has_body else {}),
        "responses": {
            "200": {
                "description": "done",
                "headers": HEADERS,
                "content": content(route, route.answer, schemas),
            },
            "default": {
                "description": "an error",
                "headers": HEADERS,
                "content": {PROBLEM: {"schema": schemas[Problem]}},
            },
        },
    }


HEADERS = {"X-Request-Id": {"required": True, "schema": {"type": "string"}}}


def body(route: Route, schemas: Mapping[Any, Schema]) -> Schema:
    """Return the body of a request; an empty one is `{}`, or no lines."""
    if route.bulk:
        schema = {"type": "string", "x-line-schema": schemas[route.asked]}
        return {"required": False, "content": {NDJSON: {"schema": schema}}}
    required = any(field.required for field in msgspec.structs.fields(route.asked))
    return {"required": required, "content": content(route, route.asked, schemas)}


def content(route: Route, kind: type[Struct], schemas: Mapping[Any, Schema]) -> Schema:
    """Return a body of this kind. One of lines is a text, whose lines have the schema; a file is of any type."""
    if kind is Download:
        return {"*/*": {}}
    if not route.bulk or route.whole:
        return {JSON: {"schema": schemas[kind]}}
    return {NDJSON: {"schema": {"type": "string"}, "x-line-schema": schemas[kind]}}


def in_path(path: str) -> Iterable[Schema]:
    for name in re.findall(r"\{(\w+)\}", path):
        schema = ecmascript(msgspec.json.schema(PARAMETERS[name]))
        yield {"name": name, "in": "path", "required": True, "schema": schema}


def in_query(asked: type[Asked]) -> Iterable[Schema]:
    schema = ecmascript(msgspec.json.schema(asked))
    fields = schema["$defs"][asked.__name__]
    for name, one in fields["properties"].items():
        yield {"name": name, "in": "query", "required": name in fields["required"], "schema": one}


def ecmascript(schema: Any) -> Any:
    """Return a schema whose patterns end as JSON Schema has it, and whose arrays have items of one kind.

    A pair would have `prefixItems`, which is new in OpenAPI 3.1, and not known to every tool.
    """
    if isinstance(schema, dict):
        whole = {key: ecmascript(value) for key, value in schema.items() if key != "prefixItems"}
        if "pattern" in schema and isinstance(schema["pattern"], str):
            whole["pattern"] = schema["pattern"].replace(r"\Z", "$")
        if "prefixItems" in schema:
            whole["items"] = {"anyOf": ecmascript(schema["prefixItems"])}
        return whole
    return [ecmascript(item) for item in schema] if isinstance(schema, list) else schema


async def get_openapi(call: Call, asked: Asked) -> Description:
    return described(call.services.table)


ROUTES = (Route("GET", "/v1/openapi.json", OPEN, get_openapi, answer=Description),)
