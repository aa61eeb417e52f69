"""What moderators do about a report: who may change it when, and that nothing is done twice."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.report_actions import AmendReport, Restrain, TakeBack, WarnUser, is_done, plain
from chatd.core.users import FOR_EVER, Restriction
from chatd.protocol.errors import Refused
from chatd.protocol.messages import SentBody
from chatd.protocol.moderation import Report
from tests.kit.moderators import Moderators

steps = st.tuples(st.sampled_from(["k1", "k2"]), st.sampled_from(["open", "claimed", "closed"]))


def filed() -> Moderators:
    writer = Moderators()
    writer.ask("ann", Report(key="key-00000000", reason="spam", user="eve"))
    return writer


@given(st.lists(steps, max_size=8))
def test_a_claim_holds_against_others_until_it_is_given_back_or_closed(path: list[tuple[str, Any]]) -> None:
    writer = filed()
    state, holder = "open", ""
    for by, wanted in path:
        before = writer.filed[1]
        allowed = state != "claimed" or by == holder or wanted == "open"
        amend = AmendReport(1, "", by, "system", state=wanted)
        if not allowed:
            with pytest.raises(Refused, match="claimed"):
                writer.ask("", amend)
            assert writer.filed[1] == before
            continue
        writer.ask("", amend)
        state = wanted
        holder = {"claimed": by, "open": ""}.get(wanted, holder)
        assert (writer.filed[1].state, writer.filed[1].claimed_by) == (state, holder)


def test_what_was_done_is_kept_with_who_did_it_and_not_repeated() -> None:
    writer = filed()
    ban = Restrain("eve", Restriction("ban", FOR_EVER, "spam"))
    for by in ("k1", "k2"):
        writer.ask("", AmendReport(1, "", by, "system", actions=(ban,)))
    changed = writer.filed[1]
    writer.now += 1000
    writer.ask("", AmendReport(1, "", "k1", "system", actions=(ban,)))
    assert writer.filed[1] == changed
    assert writer.accounts["eve"].restriction == ban.restriction
    mute = Restrain("eve", Restriction("mute", FOR_EVER, "spam"))
    writer.ask("", AmendReport(1, "", "k1", "system", actions=(mute,)))
    assert writer.filed[1].changed_at == writer.now
    assert writer.accounts["eve"].restriction == mute.restriction


@pytest.mark.parametrize(
    ("action", "other"),
    [
        (TakeBack(3), TakeBack(4)),
        (WarnUser("eve", SentBody(text="a")), WarnUser("eve", SentBody(text="b"))),
        (Restrain("eve", Restriction("mute", 5)), Restrain("eve", Restriction("mute", 6))),
    ],
)
def test_an_action_is_the_same_only_in_all_its_parts(action: Any, other: Any) -> None:
    done = [{**plain(action), "time": 1, "by": "socket"}]
    assert is_done(action, done)
    assert not is_done(other, done)


def test_a_report_that_is_none_is_not_found() -> None:
    with pytest.raises(Refused) as refused:
        filed().ask("", AmendReport(7, "", "k1", "system", state="closed"))
    assert refused.value.code == "not_found"
