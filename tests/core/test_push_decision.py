"""The table of push decisions: each rule alone, the order of the rules, and that nothing else decides."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.attention import Attention
from chatd.core.push import Outcome
from chatd.core.push_decision import RULES, STALE_MS, Facts, decide, explain
from chatd.core.users import FOR_EVER

NOW = 1_763_900_000_000
TOLD = Facts("message", "alice", "bob", NOW, device="phone", seq=7, read=6, seen_at=NOW)
LARGE, MUTED, REQUESTED = Attention(is_large=True), Attention(is_muted=True), Attention(is_listed=False)
MENTIONS, NOTHING = Attention(level="mentions"), Attention(level="none")

# One change of a message that is sent, and what becomes of it.
CASES: list[tuple[Outcome, dict[str, Any]]] = [
    ("sent", {}),
    ("sent", {"author": ""}),
    ("sent_silent", {"is_quiet": True}),
    ("quiet", {"is_quiet": True, "is_quiet_off": True}),
    ("own", {"author": "alice"}),
    ("large_room", {"attention": LARGE}),
    ("large_room", {"attention": LARGE, "is_for_all": True}),
    ("sent", {"attention": LARGE, "is_named": True}),
    ("departed", {"is_member": False}),
    ("departed", {"first_visible": 8}),
    ("sent", {"first_visible": 7}),
    ("blocked", {"is_ignored": True}),
    ("request", {"attention": REQUESTED}),
    ("disabled", {"is_disabled": True}),
    ("disabled", {"banned_until": FOR_EVER}),
    ("disabled", {"banned_until": NOW + 1}),
    ("sent", {"banned_until": NOW}),
    ("no_token", {"device": ""}),
    ("stale_device", {"seen_at": NOW - STALE_MS - 1}),
    ("sent", {"seen_at": NOW - STALE_MS}),
    ("prefs_off", {"is_on": False}),
    ("prefs_off", {"attention": NOTHING}),
    ("prefs_off", {"attention": NOTHING, "is_named": True}),
    ("muted", {"attention": MUTED}),
    ("sent", {"attention": MUTED, "is_named": True}),
    ("muted", {"attention": MUTED, "is_for_all": True}),
    ("muted", {"attention": MUTED, "is_named": True, "mute_mentions": False}),
    ("mentions_only", {"attention": MENTIONS}),
    ("sent", {"attention": MENTIONS, "is_named": True}),
    ("sent", {"attention": MENTIONS, "is_for_all": True}),
    ("foreground", {"is_foreground": True}),
    ("read", {"read": 7}),
    ("recalled", {"is_recalled": True}),
]


@pytest.mark.parametrize(("outcome", "changed"), CASES)
def test_one_change_of_a_message_that_is_sent(outcome: Outcome, changed: dict[str, Any]) -> None:
    assert decide(replace(TOLD, **changed)) == outcome


def test_every_rule_has_a_case() -> None:
    assert {rule.outcome for rule in RULES} <= {outcome for outcome, _ in CASES}


REACTED = replace(TOLD, kind="reaction", attention=MENTIONS, read=9)


def test_a_reaction_reaches_its_author_though_they_read_the_message_and_want_mentions_alone() -> None:
    assert decide(REACTED) == "sent"
    assert decide(replace(REACTED, attention=MUTED)) == "muted"
    assert decide(replace(REACTED, attention=NOTHING)) == "prefs_off"


def test_what_is_of_no_room_has_no_membership_to_look_at() -> None:
    asked = Facts("friend", "alice", "bob", NOW, device="phone", seen_at=NOW, is_member=False)
    assert decide(asked) == "sent"
    assert decide(replace(asked, is_on=False)) == "prefs_off"


ORDER = [rule.outcome for rule in RULES]
# One reason for each rule; no two of them set the same field.
REASONS: dict[Outcome, dict[str, Any]] = {
    "own": {"author": "alice"},
    "large_room": {"attention": {"is_large": True}},
    "departed": {"is_member": False},
    "blocked": {"is_ignored": True},
    "request": {"attention": {"is_listed": False}},
    "disabled": {"is_disabled": True},
    "no_token": {"device": ""},
    "stale_device": {"seen_at": 0},
    "prefs_off": {"is_on": False},
    "muted": {"attention": {"is_muted": True}},
    "mentions_only": {"attention": {"level": "mentions"}},
    "foreground": {"is_foreground": True},
    "read": {"read": 7},
    "recalled": {"is_recalled": True},
    "quiet": {"is_quiet_off": True},
}


@given(st.sets(st.sampled_from(ORDER), min_size=1))
def test_of_several_reasons_the_first_in_the_table_is_given(reasons: set[Outcome]) -> None:
    facts = TOLD
    for reason in reasons:
        changed = REASONS[reason]
        if "attention" in changed:
            changed = {"attention": facts.attention._replace(**changed["attention"])}
        facts = replace(facts, **changed)
    lines = explain(facts)
    assert [outcome for outcome, fits in lines[:-1] if fits] == sorted(reasons, key=ORDER.index)
    assert lines[-1] == (decide(facts), True)
    assert decide(facts) == min(reasons, key=ORDER.index)
