"""Refusals of what is not of its form: a sentence for the author of a back end, and the field."""

from typing import Any, get_args

import pytest
from msgspec import inspect

from chatd.http.api.application import TABLE
from chatd.http.api.decoding import words_of
from chatd.http.api.route import PARAMETERS, scopes_of
from tests.http.api.conftest import WithKey
from tests.protocol.test_complaints import parts_of

USER = "the id of a user, 1 to 64 of A-Z a-z 0-9 _ - . : @ | +"
# Method, path, body, field, detail.
WRONG: list[tuple[str, str, Any, str | None, str]] = [
    ("PUT", "/v1/users/u1", {"nam": "Ann"}, "nam", "`nam` is no key of this request"),
    ("PUT", "/v1/users/u1", {"page": {"titel": "x"}}, "page.titel", "`page.titel` is no key of this request"),
    ("PUT", "/v1/users/u1", {"name": 5}, "name", "`name` must be text or null, and is an integer"),
    ("PUT", "/v1/users/u1", b"{'name': 'Ann'}", None,
     "the body is not JSON in UTF-8: JSON is malformed: object keys must be strings (byte 1)"),
    ("PUT", "/v1/users/u1", b'{"page":{"data":' + b"[" * 100_000, None, "the body is nested too deep"),
    ("PUT", "/v1/users/u%2b1%20", {}, "user", f"`user` in the path must be {USER}"),
    ("PUT", "/v1/users/u1/password", {"password_hash": "secret"}, "password_hash",
     "`password_hash` must be a hash, as argon2id writes it: $argon2id$v=19$m=..."),
    ("POST", "/v1/users/u1/revoke", {"seen": True}, None, "nobody called u1 was ever seen here. "
     "Check the spelling; for one of the host app who is yet to come leave `seen` out (chatd user: --unseen)"),
    ("GET", "/v1/users?limt=5", None, "limt", "`limt` is no key of this request"),
    ("GET", "/v1/users?limit=500", None, "limit", "`limit` must be at most 200"),
    ("POST", "/v1/tokens", {"user": "u1", "allow": ["write"]}, "allow[0]",
     "`allow[0]` must be one of admin, create, read, send"),
    ("POST", "/v1/tokens", {"user": "u1", "ttl_s": 2_592_000}, "ttl_s",
     "the lifetime is too long: auth.token_lifetime_max_s"),
    ("POST", "/v1/keys", {"name": "a b", "scopes": ["users"]}, "name",
     "`name` must be a name, 1 to 64 of A-Z a-z 0-9 _ . -"),
    ("DELETE", "/v1/keys/backend", None, "key", "`key` in the path must be the id of a key, 8 of a-z 2-7"),
    ("DELETE", "/v1/users", None, None, "this route takes GET, HEAD, PUT"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "body", "field", "detail"), WRONG)
async def test_a_problem_says_what_is_wrong_where_and_what_is_right(
    with_key: WithKey, method: str, path: str, body: Any, field: str | None, detail: str
) -> None:
    caller = await with_key(*scopes_of(TABLE))
    answer = await caller(method, path, body)
    assert (answer.json.get("field"), answer.json["detail"]) == (field, detail)


async def test_a_line_is_called_a_line(with_key: WithKey) -> None:
    caller = await with_key("users")
    answer = await caller("PUT", "/v1/users", b"[1]")
    assert b'"detail":"the line must be a map, and is a list"' in answer.body


def test_every_form_and_every_choice_has_words() -> None:
    for kind in {route.asked for route in TABLE}:
        words, parts = words_of(kind), [*parts_of(inspect.type_info(kind))]
        patterns = {
            repr(part.pattern) for part in parts if isinstance(part, inspect.StrType) and part.pattern
        }
        choices = {part.values for part in parts if isinstance(part, inspect.LiteralType)}
        assert patterns <= set(words.patterns)
        assert choices == {tuple(get_args(choice)) for choice in words.values.values()}
    kinds = [inspect.type_info(kind) for kind in PARAMETERS.values()]
    patterns = {repr(kind.pattern) for kind in kinds if isinstance(kind, inspect.StrType)}
    assert patterns <= set(words.patterns)
