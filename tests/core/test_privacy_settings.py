import pytest

from chatd.core.privacy import BOUNDS, Bounds
from chatd.core.privacy_settings import privacy_of, put_privacy
from chatd.core.read_set import PeopleRules, Rules
from chatd.core.sections import ChangedRow
from chatd.protocol.errors import Refused
from chatd.protocol.friends import CircleSet
from chatd.protocol.privacy import Audience, Privacy, PrivacySet, decode_privacy
from tests.kit.memory_writer import MemoryWriter

HOST = {**BOUNDS, "page": Bounds("friends", "followers", "friends")}


@pytest.fixture
def writer():
    return MemoryWriter(rules=Rules(people=PeopleRules(enabled=True, bounds=HOST)))


def chooses(writer, **rules):
    return writer.ask("ann", PrivacySet(rules=rules)).privacy.rules


def stored(writer):
    return [decode_privacy(row.value) for row in writer.writes.records_of(ChangedRow)]


def test_rules_replace_those_they_name_and_leave_the_others(writer):
    writer.ask("ann", CircleSet(name="Work"))
    chooses(writer, add=Audience("nobody"), find=Audience("nobody"))
    after = chooses(writer, find=Audience("friends", deny=(1,)))
    assert after == {"add": Audience("nobody"), "find": Audience("friends", deny=(1,))}
    assert stored(writer) == [Privacy(after)]
    assert writer.writes.rules_changed == {"ann": frozenset({"find"})}


def test_what_is_so_already_is_not_stored(writer):
    chooses(writer, add=Audience("nobody"))
    assert chooses(writer, add=Audience("nobody")) == {"add": Audience("nobody")}
    assert writer.writes.empty


@pytest.mark.parametrize("to", ["everyone", "nobody"])
def test_the_bounds_of_the_host_hold_and_nothing_changes_beyond_them(writer, to):
    with pytest.raises(Refused) as refused:
        chooses(writer, find=Audience("nobody"), page=Audience(to))
    assert (refused.value.code, refused.value.field) == ("forbidden", "rules.page")
    assert writer.writes.empty


@pytest.mark.parametrize("name", ["allow", "deny"])
def test_a_circle_that_is_not_there_is_refused(writer, name):
    """A device that has not heard yet that it was deleted; the next one of its number is another."""
    writer.ask("ann", CircleSet(name="Work"))
    with pytest.raises(Refused) as refused:
        chooses(writer, add=Audience("nobody"), find=Audience("friends", **{name: (1, 2)}))
    assert (refused.value.code, refused.value.field) == ("not_found", f"rules.find.{name}")
    assert writer.writes.empty


def test_rules_that_the_host_has_locked_stay(writer):
    locked = Privacy({"find": Audience("nobody")}, locked=True)
    writer.decide([])
    put_privacy("ann", locked, writer.writes, writer.gather([]))
    writer.commit()
    with pytest.raises(Refused) as refused:
        chooses(writer, find=Audience("everyone"))
    assert (refused.value.code, refused.value.field) == ("forbidden", "rules")
    assert privacy_of("ann", writer.gather([])) == locked
