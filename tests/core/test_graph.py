"""Changes of the host: each number of a feed once, edges by the table of pairs, and what an import has to change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.audit import Audit
from chatd.core.contacts import State
from chatd.core.graph import (
    CLEAR,
    FEEDS_MAX,
    KINDS,
    SET,
    ChangeGraph,
    EdgeChange,
    GraphFeed,
    Wanted,
    differences,
)
from chatd.core.read_set import PeopleRules, Rules
from chatd.protocol.errors import Refused
from chatd.protocol.friends import FriendRequest
from tests.kit.memory_writer import MemoryWriter

ALL = frozenset({"friends", "follows", "blocks"})


@pytest.fixture
def writer():
    return MemoryWriter(rules=Rules(people=PeopleRules(enabled=True, host_owns=ALL, friends_max=2)))


def feed(writer: MemoryWriter, n: int, *changes: tuple[str, str, str], name: str = "main") -> int:
    request = ChangeGraph([EdgeChange(*change) for change in changes], name, n)  # type: ignore[arg-type]
    return writer.ask("", request).n


def edges(writer: MemoryWriter) -> set[tuple[str, str, str]]:
    return {
        (kind, *pair)
        for pair, contact in writer.contacts.items()
        for kind, is_set in zip(KINDS, (contact.is_friend, contact.following, contact.blocked), strict=True)
        if is_set
    }


def test_edges_are_set_and_taken_back(writer):
    assert feed(writer, 1, ("friend", "a", "b"), ("follow", "a", "c"), ("block", "c", "a")) == 3
    assert edges(writer) == {
        ("friend", "a", "b"), ("friend", "b", "a"), ("follow", "a", "c"), ("block", "c", "a"),
    }  # fmt: skip
    assert feed(writer, 4, ("unfriend", "b", "a"), ("unfollow", "a", "c"), ("unblock", "c", "a")) == 6
    assert edges(writer) == set()


def test_the_limits_of_users_do_not_hold_for_the_host(writer):
    feed(writer, 1, *(("friend", "a", other) for other in "bcdef"))
    assert len(edges(writer)) == 10


def test_numbers_that_were_seen_are_skipped(writer):
    feed(writer, 1, ("friend", "a", "b"), ("unfriend", "a", "b"))
    assert feed(writer, 1, ("friend", "a", "b")) == 2
    assert writer.writes.empty
    # Two of three: the third is carried out, the first two are not.
    assert feed(writer, 1, ("friend", "a", "b"), ("unfriend", "a", "b"), ("follow", "a", "b")) == 3
    assert edges(writer) == {("follow", "a", "b")}


def test_a_hole_changes_nothing_and_names_what_is_missing(writer):
    feed(writer, 1, ("friend", "a", "b"))
    with pytest.raises(Refused) as refused:
        feed(writer, 3, ("friend", "a", "c"))
    assert (refused.value.code, refused.value.expected) == ("feed_gap", 2)
    assert writer.writes.empty
    with pytest.raises(Refused) as refused:
        feed(writer, 2, ("friend", "a", "c"), name="another")
    assert refused.value.expected == 1


def test_the_number_is_in_the_commit_of_the_changes(writer):
    feed(writer, 1, ("friend", "a", "b"), ("friend", "a", "c"))
    assert writer.writes.records_of(GraphFeed) == [GraphFeed("main", 2)]


def test_feeds_are_few(writer):
    for number in range(FEEDS_MAX):
        feed(writer, 1, ("friend", "a", "b"), name=f"f{number}")
    with pytest.raises(Refused, match="too_large"):
        feed(writer, 1, ("friend", "a", "b"), name="one more")
    assert feed(writer, 2, ("friend", "a", "b"), name="f0") == 2


@pytest.mark.parametrize(("op", "owned"), [("friend", "follows"), ("unfollow", "friends"), ("block", "")])
def test_what_users_keep_the_host_does_not_change(op, owned):
    rules = PeopleRules(enabled=True, host_owns=frozenset({owned}))
    writer = MemoryWriter(rules=Rules(people=rules))
    with pytest.raises(Refused, match="not_supported"):
        feed(writer, 1, (op, "a", "b"))
    assert writer.writes.empty


def test_a_friendship_of_the_host_ends_what_was_asked():
    writer = MemoryWriter(rules=Rules(people=PeopleRules(enabled=True)))
    writer.ask("a", FriendRequest(user="b"))
    writer.rules = Rules(people=PeopleRules(enabled=True, host_owns=ALL))
    feed(writer, 1, ("friend", "b", "a"))
    assert {contact.state for contact in writer.contacts.values()} == {State.FRIEND}
    with pytest.raises(Refused, match="not_supported"):
        writer.ask("a", FriendRequest(user="c"))


def test_an_import_names_its_users_and_has_an_entry_for_each_line(writer):
    audit = Audit("key", "POST /v1/people/import", "a", "r-1")
    writer.ask("", ChangeGraph([EdgeChange("friend", "a", "b")], audits=[audit]))
    assert writer.writes.imported == {"a", "b"}
    assert [(one.target, one.time) for one in writer.writes.records_of(Audit)] == [("a", writer.now)]
    feed(writer, 1, ("friend", "a", "c"))
    assert writer.writes.imported == set()


users = st.sampled_from("abcd")
lists = st.fixed_dictionaries({}, optional={kind: st.frozensets(users) for kind in KINDS})
wanted = st.lists(st.tuples(users, lists), max_size=6).map(
    lambda lines: [
        Wanted(user, {kind: others - {user} for kind, others in edges.items()}) for user, edges in lines
    ]
)


@given(wanted, wanted)
def test_the_last_list_decides(before: list[Wanted], lines: list[Wanted]) -> None:
    """The graph after an import is the one in which every line in its turn was made so."""
    writer = MemoryWriter(rules=Rules(people=PeopleRules(enabled=True, host_owns=ALL)))
    model: set[tuple[str, str, str]] = set()
    for some in (before, lines):
        held = {
            user: {kind: frozenset(b for k, a, b in model if (k, a) == (kind, user)) for kind in KINDS}
            for user in {line.user for line in some}
        }
        for changes in differences(some, held):
            if changes:
                writer.ask("", ChangeGraph(changes))
        for line in some:
            for kind, others in line.edges.items():
                model -= {(kind, line.user, other) for other in "abcd"}
                model |= {(kind, line.user, other) for other in others}
                if kind == "friend":
                    model -= {(kind, other, line.user) for other in "abcd"}
                    model |= {(kind, other, line.user) for other in others}
        assert edges(writer) == model


def test_what_is_so_already_needs_no_change():
    held = {"a": {"friend": frozenset("bc"), "follow": frozenset("b"), "block": frozenset()}}
    assert [*differences([Wanted("a", {"friend": frozenset("bc")})], held)] == [[]]
    assert set(SET.values()) | set(CLEAR.values()) == {
        "friend", "unfriend", "follow", "unfollow", "block", "unblock",
    }  # fmt: skip
