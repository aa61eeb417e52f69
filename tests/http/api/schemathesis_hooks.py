"""Extensions of schemathesis, which it loads itself: the media type of bulk routes."""

from typing import Any

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def as_lines(context: Any, value: Any) -> bytes:
    """The text as it was generated; each line of it is answered with its own fault."""
    return str(value).encode("utf-8", "surrogatepass")


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    """A body whose integers are written as integers, not as 1.0: JSON Schema takes either, the wire one."""
    if isinstance(body, dict):
        return {key: map_body(context, value) for key, value in body.items()}
    if isinstance(body, list):
        return [map_body(context, value) for value in body]
    return int(body) if isinstance(body, float) and body.is_integer() else body
