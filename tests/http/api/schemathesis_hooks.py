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


@schemathesis.check
def explained_refusals(context: Any, response: Any, case: Any) -> None:
    """Every refusal is a problem with its own code, and one of what was asked names the field."""
    if response.status_code < 400 or case.method == "HEAD":
        return
    problem = response.json()
    assert problem["status"] == response.status_code
    assert problem["type"] == f"/v1/errors/{problem['code']}"
    assert problem["retry"], problem
    if response.status_code == 400:
        assert problem.get("field") or problem.get("detail"), problem
