"""Words of the code are words of the documents: error codes, close codes, commands, event kinds."""

import ast
import re

from chatd.commands.table import COMMANDS
from chatd.protocol import close_codes
from chatd.protocol.errors import ERRORS, HTTP_ERRORS
from chatd.session.phases import NEXT, Phase, PhaseEvent
from tests.kit.document import PATH
from tests.kit.sources import sources

SERVER = tuple(source for source in sources("chatd") if source.layer not in ("client", "cli", "conformance"))
DOCUMENT = PATH.read_text()
RAISED = ("Refused", "Unavailable", "ChatError")


def raised_codes(source):
    """The first argument of every Refused(...), Unavailable(...), ChatError(...), as far as it is a text."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in RAISED and node.args:
            for part in ast.walk(node.args[0]):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_only_error_codes_of_the_table_are_raised():
    raised = {code for source in SERVER for code in raised_codes(source)}
    assert len(raised) > 10, "the search finds something"
    assert raised <= set(ERRORS) | set(HTTP_ERRORS)


def test_every_error_code_of_the_table_stands_in_the_document():
    assert [code for code in ERRORS if f"| `{code}` |" not in DOCUMENT] == []


def test_every_close_code_stands_in_the_document():
    for code, reason in close_codes.CLOSE_CODES.items():
        assert re.search(rf"^\|[^|]*\b{code}\b[^|]*\|[^|]*{reason}", DOCUMENT, re.MULTILINE), code


def test_close_codes_have_one_name_each():
    named = {value for name, value in vars(close_codes).items() if name.isupper() and isinstance(value, int)}
    assert named == set(close_codes.CLOSE_CODES)


def test_close_codes_are_written_by_name():
    def codes(source):
        numbers = [node.value for node in ast.walk(source.tree) if isinstance(node, ast.Constant)]
        return [number for number in numbers if type(number) is int and number in close_codes.CLOSE_CODES]

    found = {source.name: codes(source) for source in SERVER if codes(source)}
    assert set(found) == {"chatd/protocol/close_codes.py"}


def test_every_command_is_in_the_index_of_the_document():
    commands = {request.__struct_config__.tag for request in COMMANDS}
    assert [command for command in commands if f"| `{command}` |" not in DOCUMENT] == []


def test_every_event_kind_is_in_the_document():
    kinds = set()
    for source in sources("chatd/core"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Event":
                kinds |= {
                    keyword.value.value
                    for keyword in node.keywords
                    if keyword.arg == "kind" and isinstance(keyword.value, ast.Constant)
                }
    assert {
        "created",
        "edit",
        "recall",
        "reaction",
        "reactions",
        "pin",
        "role",
        "settings",
        "notice",
    } <= kinds
    assert [kind for kind in kinds if f"`{kind}`" not in DOCUMENT] == []


def test_nothing_but_the_table_assigns_a_phase():
    """Every phase of a session but the first comes out of `advance`."""
    for source in sources("chatd/session"):
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Attribute) and target.attr == "_phase" for target in node.targets
            ):
                value = ast.unparse(node.value)
                assert value.startswith("advance(") or value == "Phase.ACCEPTED", f"{source.name}: {value}"
    assert set(NEXT) == set(Phase)
    assert {phase_event for moves in NEXT.values() for phase_event in moves} == set(PhaseEvent)
