"""What the console calls is what the server has: the routes, their types and scopes."""

import pytest

from tests.kit.console_routes import ROUTES, called, typescript


def test_the_types_are_those_of_the_routes() -> None:
    assert ROUTES.read_text() == typescript(called()), "run: python -m tests.kit.console_routes"


def test_a_route_that_is_not_there_is_found_out() -> None:
    with pytest.raises(KeyError):
        typescript({*called(), "GET /v1/nothing"})
