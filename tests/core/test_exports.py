import pytest

from chatd.core.erasure_steps import Erase
from chatd.core.exports import KEPT_MS, AskExport, DropExport, EndExport, Export
from chatd.protocol.errors import Refused
from tests.kit.memory_writer import MemoryWriter


@pytest.fixture
def writer():
    return MemoryWriter()


def test_one_that_is_written_is_not_begun_again(writer):
    writer.ask("", AskExport("ann"))
    first = writer.exports["ann"]
    writer.now += 1
    writer.ask("", AskExport("ann"))
    assert (writer.exports["ann"], first.until) == (first, 0)
    done = Export("ann", first.asked, writer.now, "a.gz", 9)
    writer.ask("", EndExport(done))
    assert done.until == writer.now + KEPT_MS
    writer.now += 1
    writer.ask("", AskExport("ann"))
    assert writer.exports["ann"] == Export("ann", writer.now, file="a.gz"), (
        "the file before goes when this is whole"
    )


def test_one_that_was_dropped_does_not_come_back(writer):
    writer.ask("", AskExport("ann"))
    asked = writer.exports["ann"].asked
    writer.ask("", DropExport("ann"))
    with pytest.raises(Refused, match="gone"):
        writer.ask("", EndExport(Export("ann", asked, 9, "a.gz", 9)))


def test_nothing_is_exported_of_an_erased_person(writer):
    writer.ask("", Erase("ann"))
    with pytest.raises(Refused, match="gone"):
        writer.ask("", AskExport("ann"))
