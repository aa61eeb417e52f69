import pytest

from chatd.core.console_roles import MODERATOR, VIEWER, scopes_of_role

KNOWN = {"users", "users.read", "stats.read", "messages", "messages.read", "keys", "moderation"}


@pytest.mark.parametrize(
    ("role", "scopes"),
    [
        ("viewer", ("stats.read", "users.read")),
        ("moderator", ("messages.read", "moderation", "stats.read", "users.read")),
        ("admin", tuple(sorted(KNOWN))),
    ],
)
def test_a_role_has_those_of_its_scopes_that_open_a_route(role, scopes):
    assert scopes_of_role(role, KNOWN) == scopes


def test_a_viewer_only_reads_and_nobody_but_an_admin_has_keys():
    assert all(scope.endswith(".read") for scope in VIEWER)
    assert not any(scope.startswith(("keys", "tokens", "privacy")) for scope in MODERATOR)


def test_a_moderator_writes_in_the_name_of_nobody():
    assert MODERATOR.isdisjoint({"messages", "tokens", "users", "bots"})
