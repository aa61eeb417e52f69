from chatd.commands.table import COMMANDS
from chatd.core.decisions import DECISIONS
from chatd.protocol.connection import Hello
from chatd.protocol.envelope import Mutation
from chatd.protocol.requests import AnyRequest


def test_the_writer_decides_every_command_that_has_no_handler():
    written = {request for request, command in COMMANDS.items() if command.handler is None}
    assert written <= set(DECISIONS)


def test_no_command_is_both_decided_and_handled():
    handled = {request for request, command in COMMANDS.items() if command.handler is not None}
    assert not handled & set(DECISIONS)


def test_every_request_but_hello_has_a_row():
    assert set(COMMANDS) | {Hello} == set(AnyRequest.__args__)


def test_every_mutation_is_decided_by_the_writer():
    mutations = {request for request in COMMANDS if issubclass(request, Mutation)}
    assert mutations <= set(DECISIONS)
