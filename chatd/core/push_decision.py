"""The decision about one notification for one device: the first rule that fits. Synchronous and pure.

It is made twice: when the message is planned, and from facts that are read again when it is sent. Between the two
somebody may have left, blocked, muted or read. So a rule looks at nothing but `Facts`, which are of one commit and one
moment; what concerns time alone (waiting for another device, pace) is the queue's.

Which rooms alert at all says core/attention.py; the rules here tell also why, line by line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatd.core.attention import Attention
from chatd.core.push import Kind, Outcome
from chatd.core.users import FOR_EVER

# An app that was not opened for so long is mostly not there any more, and a push service does not always say so.
STALE_MS = 60 * 86_400_000


EVERYTHING = Attention()


# Not frozen, which would cost a planned notification as much as all rules together.
@dataclass(slots=True)
class Facts:
    """The state of one message and one device of its recipient, of one commit and one moment. Times: Unix ms.

    `author`: empty for the host. `is_named`: by name; `is_for_all`: a mention of everybody.
    `attention`: what its room asks of the recipient. `first_visible`, `read`: of the membership, which is `is_member`.
    `is_on`: the preference for this kind.
    `device`: empty without a registration. `seen_at`: when the device was last known to live.
    `is_quiet_off`: in quiet hours nothing is to be sent; `is_quiet`: it is to come without a sound.
    """

    kind: Kind
    user: str
    author: str
    now: int
    device: str = ""
    seq: int = 0
    is_named: bool = False
    is_for_all: bool = False
    is_recalled: bool = False
    attention: Attention = EVERYTHING
    is_member: bool = True
    first_visible: int = 0
    read: int = 0
    is_ignored: bool = False
    is_disabled: bool = False
    banned_until: int = 0
    seen_at: int = 0
    is_on: bool = True
    mute_mentions: bool = True
    is_foreground: bool = False
    is_quiet: bool = False
    is_quiet_off: bool = False

    @property
    def is_of_room(self) -> bool:
        """Whether it tells of something in a room of the recipient."""
        return self.seq > 0

    @property
    def is_of_message(self) -> bool:
        """Whether it tells of a message that counts: the level of the room is about these."""
        return self.kind in ("message", "mention")


class Rule(NamedTuple):
    """A line of the table: the outcome, and whether it fits."""

    outcome: Outcome
    fits: Callable[[Facts], bool]


def is_unreachable_by_level(facts: Facts) -> bool:
    """Whether the level keeps messages out of which the recipient is not named."""
    named = facts.is_named or facts.is_for_all
    return facts.is_of_message and facts.attention.level == "mentions" and not named


def is_muted(facts: Facts) -> bool:
    """Whether the room is muted, and nobody named the recipient. A mention of everybody breaks no mute."""
    return facts.attention.is_muted and not (facts.is_named and facts.mute_mentions)


RULES: tuple[Rule, ...] = (
    Rule("own", lambda facts: facts.user == facts.author),
    Rule(
        "large_room",
        lambda facts: facts.attention.is_large and facts.is_of_message and not facts.is_named,
    ),
    Rule(
        "departed",
        lambda facts: facts.is_of_room and not (facts.is_member and facts.seq >= facts.first_visible),
    ),
    Rule("blocked", lambda facts: facts.is_ignored),
    Rule("request", lambda facts: not facts.attention.is_listed),
    Rule(
        "disabled",
        lambda facts: facts.is_disabled or facts.banned_until == FOR_EVER or facts.banned_until > facts.now,
    ),
    Rule("no_token", lambda facts: not facts.device),
    Rule("stale_device", lambda facts: facts.now - facts.seen_at > STALE_MS),
    Rule("prefs_off", lambda facts: not facts.is_on or facts.attention.level == "none"),
    Rule("muted", is_muted),
    Rule("mentions_only", is_unreachable_by_level),
    Rule("foreground", lambda facts: facts.is_foreground),
    Rule("read", lambda facts: facts.is_of_message and facts.read >= facts.seq),
    Rule("recalled", lambda facts: facts.is_recalled),
    Rule("quiet", lambda facts: facts.is_quiet_off),
)


def decide(facts: Facts) -> Outcome:
    """Return the outcome of the first rule that fits; `sent` or `sent_silent` when none does.

    >>> decide(Facts("message", "alice", "bob", now=0, device="phone", seq=7, read=7))
    'read'
    """
    for outcome, fits in RULES:
        if fits(facts):
            return outcome
    return "sent_silent" if facts.is_quiet else "sent"


def explain(facts: Facts) -> Sequence[tuple[Outcome, bool]]:
    """Return every rule in its order, with whether it fits, and at the end the outcome."""
    return [*((outcome, fits(facts)) for outcome, fits in RULES), (decide(facts), True)]
