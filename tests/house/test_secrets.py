"""No struct shows a token, a password or its hash; and none of them is compared letter by letter."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import typing

import msgspec
import pytest

import chatd
from tests.kit.sources import sources

SECRET_NAMES = {"token", "password", "password_hash", "rehashed", "replaces", "secret", "private"}
WORD = "plugh"


def structs():
    """Every dataclass and msgspec struct of the project that has a field with the name of a secret."""
    found = {}
    for module in pkgutil.walk_packages(chatd.__path__, "chatd."):
        if module.name.endswith("__main__"):
            continue
        for _, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if kind.__module__.startswith("chatd") and any(is_secret(kind, name) for name in fields_of(kind)):
                found[f"{kind.__module__}.{kind.__name__}"] = kind
    return found


def fields_of(kind):
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    return [field.name for field in dataclasses.fields(kind)] if dataclasses.is_dataclass(kind) else []


def is_secret(kind, name):
    """Whether a field holds a secret; a flag that says there is one does not."""
    return name in SECRET_NAMES and typing.get_type_hints(kind)[name] is not bool


SERVER = [source for source in sources("chatd") if source.layer != "client"]
STRUCTS = structs()


@pytest.mark.parametrize("name", STRUCTS)
def test_a_struct_hides_its_secrets(name):
    kind = STRUCTS[name]
    values = {field: WORD if field in SECRET_NAMES else "x" for field in fields_of(kind)}
    if name == "chatd.config.model.Auth":
        values = {"secret": chatd.config.model.Secret(WORD)}
    made = kind(**values)
    assert WORD not in repr(made)
    assert WORD not in f"{made} {[made]} {(made,)!r}"


def test_they_are_found():
    assert {
        "chatd.config.model.Auth",
        "chatd.core.users.Account",
        "chatd.protocol.connection.Hello",
        "chatd.protocol.connection.Auth",
        "chatd.protocol.login.LoginRequest",
        "chatd.http.api.users.PutPassword",
        "chatd.commands.login.Granted",
    } <= set(STRUCTS)


def compared(source):
    """Yield comparisons with == or != of something with the name of a secret."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Compare) and any(isinstance(op, (ast.Eq, ast.NotEq)) for op in node.ops):
            for side in (node.left, *node.comparators):
                name = getattr(side, "attr", getattr(side, "id", ""))
                if name in SECRET_NAMES | {"signature", "_text"}:
                    yield f"{source.name}: {ast.unparse(node)}"


def test_secrets_are_compared_in_constant_time():
    """Where it is done, `hmac.compare_digest` does it: == ends at the first letter that differs."""
    known = {
        "chatd/core/accounts.py: account.password != request.replaces": "two hashes of our own, nobody waits",
        "chatd/config/rules.py: secret == (piece[:size] * len(secret))[:len(secret)]": "the operator's, with itself",
    }
    assert set(known) == {line for source in SERVER for line in compared(source)}
