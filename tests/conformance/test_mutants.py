"""The kit finds it: the Python client with one rule broken, for each of the mutants, and what gives it away."""

import pytest

from tests.conformance.kit_runs import MUTANT, SCENARIOS, failures, played
from tests.conformance.mutants import MUTANTS
from tests.kit.soak import SOAKING

# The scenario that must fail, and a part of the reason that must be given: so it is not some other failure.
FOUND_BY: dict[str, tuple[str, str]] = {
    "no-jitter": ("backoff-doubles-up-to-a-minute", "jitter: "),
    "no-backoff": ("waits-grow", "growth: "),
    "backoff-forgets-at-once": ("waits-grow-through-short-connections", "growth: "),
    "early-after-bye": ("close-4000-restart", "too soon"),
    "early-after-503": ("refused-upgrade-with-retry-after", "too soon"),
    "reconnects-when-replaced": ("close-4200-replaced", "reconnect: "),
    "reconnects-when-revoked": ("close-4201-revoked", "reconnect: "),
    "shows-an-expired-token-again": ("close-4100-token-expired", 'expected "#token", got "hello"'),
    "second-connection": ("network-change-probes-the-connection", "one-connection: "),
    "speaks-after-bye": ("nothing-is-sent-after-bye", "after-bye: "),
    "never-notices-silence": ("silence-drops-the-connection", "nothing came"),
    "no-pong": ("ping-is-answered-with-pong", "nothing came"),
    "new-device-each-time": ("link-loss", "device: "),
    "connects-while-suspended": ("suspended-while-it-waited", "reconnect: "),
    "cursor-before-pages": ("kill-behind-the-first-sync", "cursor: it kept"),
    "stale-cursor-over-a-new-epoch": ("another-epoch-forgets-positions", "messages has 4 items"),
    "cursor-kept-after-resync": ("close-4005-resync", "after 4005 it sends none"),
    "full-round-forgets-nothing": ("full-round-forgets-other-rooms", "rooms has 3 items"),
    "gone-is-ignored": ("gone-forgets-the-room", "rooms has 1 items"),
    "reset-ignored": ("log-below-its-floor", "nothing came"),
    "gap-ignored": ("gap-after-500ms", "nothing came"),
    "gap-asked-at-once": ("gap-after-500ms", "it came after 0 ms"),
    "cut-log-is-not-continued": ("log-that-is-cut", "nothing came"),
    "old-operation-wins": ("operation-that-is-in-the-message-already", "reactions.👍: expected 1, got 2"),
    "recalled-text-returns": ("recall-of-a-message-that-may-be-stale", "text"),
    "jump-keeps-unread": ("far-behind-the-newest-page", "room.get"),
    "own-messages-are-unread": ("mentions-count", "unread"),
    "ack-not-applied": ("message-is-sent-and-stored", "applied: expected 2, got 1"),
    "new-key-after-reconnect": ("lost-ack-the-same-key", "key"),
    "early-retry": ("limit-of-the-user-holds-the-others", "retry-after: "),
    "retries-what-was-refused-for-good": ("refused-for-good", "never: "),
    "drops-what-has-no-answer": ("lost-ack-the-same-key", "nothing came"),
    "two-frames-at-once": ("one-unanswered-frame-a-room", "one-frame: "),
    "newest-first": ("aborted-keeps-the-order", "order: "),
    "outbox-is-not-stored": ("kill-before-the-ack", "nothing came"),
    "big-frame-behind-hello": ("frame-limit-of-the-server", "limits: "),
    "own-event-is-no-ack": ("own-event-in-a-log", "outbox has 1 items"),
    "a-read-for-each-message": ("read-marks-two-seconds-apart", "read-rate: "),
    "a-typing-for-each-key": ("typing-three-seconds-apart", "typing-rate: "),
    "focus-is-forgotten": ("room-on-the-screen-after-a-drop", "focus"),
    "token-is-not-renewed": ("token-is-renewed-in-place", "nothing came"),
    "blocked-messages-are-unread": ("messages-of-whom-one-blocks", "unread: expected 1, got 3"),
    "seen-is-left-out": ("request-names-the-row-it-acts-on", "seen is missing"),
    "conflict-is-written-over": ("changed-under-the-users-hands", '"type":"contact.set"'),
    "cards-at-each-connection": ("cards-once-a-day", '"type":"users.get"'),
    "deleted-messages-are-shown": ("deleted-messages-are-not-shown", "messages has 4 items"),
    "list-is-proved-with-requests": ("list-is-proved", "rooms: expected 1, got 2"),
    "report-gets-a-new-key": ("report-with-a-lost-reply", "key"),
    "erased-empties-what-is-current": ("erased-while-a-page-was-under-way", "recalled"),
    "press-sends-no-data": ("button-is-pressed", "data"),
    "null-for-absent": ("hello-on-a-first-sync", "null"),
}

# The suite tries those that are broken most often; `make soak` all of them.
IN_THE_SUITE = (
    *("deleted-messages-are-shown", "list-is-proved-with-requests"),
    *("no-jitter", "early-after-bye", "second-connection", "cursor-before-pages"),
    *("stale-cursor-over-a-new-epoch", "reset-ignored", "gap-ignored", "ack-not-applied"),
    *("new-key-after-reconnect", "early-retry", "blocked-messages-are-unread"),
    "report-gets-a-new-key",
)


def test_every_mutant_has_a_finder() -> None:
    assert set(FOUND_BY) == set(MUTANTS)
    assert {name for name, _ in FOUND_BY.values()} <= set(SCENARIOS)
    assert all(reason for _, reason in FOUND_BY.values())
    assert len(MUTANTS) >= 30


async def test_the_client_itself_passes_what_finds_them() -> None:
    """Else a mutant would be found without being wrong."""
    report = await played(f"{MUTANT} none", {name for name, _ in FOUND_BY.values()}, ("msgpack",))
    assert failures(report) == {}


@pytest.mark.parametrize("mutant", MUTANTS if SOAKING else IN_THE_SUITE)
async def test_a_mutant_is_found(mutant: str) -> None:
    name, reason = FOUND_BY[mutant]
    report = await played(f"{MUTANT} {mutant}", [name], ("msgpack",))
    found = failures(report)
    assert set(found) == {f"{name} (msgpack)"}
    assert reason in found[f"{name} (msgpack)"]
