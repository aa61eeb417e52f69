"""Decisions on messages: send, edit, recall, react, pin (protocol.md "Writing"). Synchronous and pure."""

from collections.abc import Container

from msgspec import UNSET, UnsetType

from chatd.core import removal
from chatd.core.attachments import AttachedAt, Resolved, attach, exchange, named_files, resolve, without_files
from chatd.core.cards import check_shared
from chatd.core.comments import check_post
from chatd.core.idempotency import acknowledgement, first_time, once, same, unlogged
from chatd.core.may_post import (
    check_may_post,
    check_may_react,
    check_may_say,
    check_mentions_all,
    check_not_silenced,
    is_bound,
    note_pace,
    since_written,
)
from chatd.core.message_requests import note_sent
from chatd.core.own_view import view_of
from chatd.core.permissions import HOST, authorize
from chatd.core.read_set import ReadSet, Rules
from chatd.core.removal import check_not_recalled
from chatd.core.room import Member, Room
from chatd.core.unread_counts import count_ignored, count_own
from chatd.core.velocity import check_mentions
from chatd.core.visibility import BOTH, ShownTo
from chatd.core.write_set import Message, Reaction, WriteSet
from chatd.protocol.codec import encode
from chatd.protocol.emoji import normal_form
from chatd.protocol.errors import Refused
from chatd.protocol.limits import EMOJI_BYTES_MAX, REACTIONS_MAX
from chatd.protocol.messages import (
    EVERYBODY,
    MESSAGE,
    Body,
    Edit,
    Event,
    Pin,
    React,
    ReactionCount,
    Recall,
    Send,
    WriteOk,
)

# Of a body with text, reply_to and thread, without the text.
OVERHEAD_BYTES = 64
# A reader does not notice a smaller difference.
COMPOSED_AT_TOLERANCE_MS = 60_000


def check_body(body: Body, rules: Rules, *, buttons: bool = False, files: bool = False) -> None:
    """Refuse a body without content, too large, with a wrong card, or with `buttons` or `files` of this server where it
    may have none.
    """
    if is_text(body):
        if 4 * len(body.text) + OVERHEAD_BYTES > rules.body_bytes:  # type: ignore[arg-type]
            check_size(body, rules.body_bytes)
        return
    if not files:
        without_files(body)
    if body.buttons is not UNSET:
        check_buttons(body, buttons)
    if body.text is UNSET and body.attachments is UNSET and body.card is UNSET and body.data is UNSET:
        raise Refused("bad_request", "a body has text, attachments, a card or data", field="body")
    check_shared(body, rules.image_hosts)
    check_size(body, rules.body_bytes)


def check_size(body: Body, limit: int) -> None:
    if len(encode(body)) > limit:
        raise Refused("too_large", f"a body is at most {limit} bytes", field="body")


def check_buttons(body: Body, allowed: bool) -> None:
    if not allowed:
        raise Refused("bad_request", "only bots and official accounts have buttons", field="body.buttons")
    for row, buttons in enumerate(body.buttons or ()):
        for place, button in enumerate(buttons):
            if (button.data is UNSET) == (button.url is UNSET):
                field = f"body.buttons[{row}][{place}]"
                raise Refused("bad_request", "a button has either data or url", field=field)


def check_content(user: str, body: Body, room: Room | None, reads: ReadSet) -> None:
    """Refuse a body that `user` may not put into `room`."""
    has_buttons = body.buttons is not UNSET
    may_have = has_buttons and room is not None and user in room.bots
    check_body(body, reads.rules, buttons=may_have, files=True)


def is_text(body: Body) -> bool:
    """Whether a body is a text, and nothing that has to be looked at; of its bytes, a character takes at most 4."""
    return (
        body.text is not UNSET
        and body.attachments is UNSET
        and body.data is UNSET
        and body.mentions is UNSET
        and body.buttons is UNSET
        and body.card is UNSET
        and body.spans is UNSET
        and body.forwarded is UNSET
    )


def resolved(
    user: str, body: Body, room: Room, writes: WriteSet, reads: ReadSet, held: Container[str] = ()
) -> Resolved:
    """Return a body as it is stored with the facts of its files; the limit of bytes holds for that, too."""
    found = resolve(user, body, room, writes, reads, held)
    if found.body is not body:
        check_size(found.body, reads.rules.body_bytes)
    return found


@once
def post(user: str, request: Send, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Add a message to the log. A silent one gets no ordinal, so it does not count as unread."""
    digest = first_time(user, request, writes, reads)
    named = reads.rooms.get(request.room)
    check_content(user, request.body, named, reads)
    room, author = authorize(named, user, "post")
    if request.post is not UNSET:
        check_post(room, request.post, reads)
    bound = is_bound(room, author)
    if bound:
        check_may_say(room, author, request.body, writes.now, since_written(room, author, writes, reads))
    if request.body.mentions is not UNSET:
        check_mentions(user, len(request.body.mentions), room, writes, reads)
    with_files = request.body.attachments is not UNSET or request.body.card is not UNSET
    found = resolved(user, request.body, room, writes, reads) if with_files else None
    if bound:
        note_pace(room, author, writes)
    if room.gates:
        note_sent(room, author, request.body, writes, reads)
    return say(room, author, request, digest, writes, reads, found)


def say(
    room: Room,
    author: Member,
    request: Send,
    digest: int,
    writes: WriteSet,
    reads: ReadSet,
    found: Resolved | None = None,
) -> WriteOk:
    """Add a message to the log that nothing refuses. `found`: its body, when it has attachments."""
    user = author.user
    body = request.body if found is None else found.body
    event = Event(seq=0, kind=MESSAGE, user=user, key=request.key, body=body)
    event.composed_at = worth_publishing(request.composed_at, writes.now)
    event.post = request.post
    writes.touch(room)
    room.time = writes.now
    if room.written != BOTH and room.direct:
        note_written(room, user, writes, reads.rules.shown_to)
    mentions: tuple[str, ...] = ()
    if not request.silent:
        room.ordinal += 1
        event.ordinal = room.ordinal
        count_own(room, author, writes)
        mentions = count_mentions(room, user, request.body, writes, reads.rules.full_members)
    writes.append(room, event, key=request.key, digest=digest, mentions=mentions)
    if found is not None:
        attach(user, found, room, event.seq, writes, reads)
    if room.ignored_by:
        ignored = room.ignoring(user)
        for other in ignored if event.ordinal is not UNSET else ():
            count_ignored(room, room.members[other], writes)
        writes.ignore(room, ignored)
    return acknowledgement(request, event)


def note_written(room: Room, author: str, writes: WriteSet, shown_to: ShownTo) -> None:
    """Note who wrote in a direct room. Once both have, each may see more of the other."""
    room.written |= 1 if author == room.creator else 2
    if room.written == BOTH and shown_to == "known":
        writes.answered.append(room)
        writes.refreshed[room.number, ""] = room


def worth_publishing(composed_at: int | UnsetType, now: int) -> int | UnsetType:
    if composed_at is UNSET or abs(composed_at - now) <= COMPOSED_AT_TOLERANCE_MS:
        return UNSET
    return composed_at


def count_mentions(
    room: Room, author: str, body: Body, writes: WriteSet, full_members: int
) -> tuple[str, ...]:
    """Count a mention for each member that a message names; return them, or ("*",) for everybody."""
    if body.mentions is UNSET or not body.mentions:
        return ()
    if room.is_channel:
        return ()
    ignored = room.ignoring(author)
    if EVERYBODY in body.mentions and room.size <= full_members:
        named = room.users
        counted: tuple[str, ...] = (EVERYBODY,)
    else:
        named = [user for user in dict.fromkeys(body.mentions) if user in room.members]
        counted = tuple(user for user in named if user != author and user not in ignored)
    for user in named:
        if user != author and user not in ignored:
            writes.touch_member(room, user).mentions += 1
    return counted


def target_of(
    room: Room, member: Member, seq: int, reads: ReadSet, *, may_be_deleted: bool = False
) -> Message:
    """Return the message an operation acts on; Refused("not_found") when there is none that this member may see.

    `may_be_deleted`: also one that they deleted for themselves.
    """
    message, view = reads.messages.get((room.number, seq)), view_of(member)
    if message is None or seq < view.first or (view.has_deleted(seq) and not may_be_deleted):
        raise Refused("not_found", "no such message", field="target")
    return message


def operate(
    message: Message,
    request: Edit | Recall | React | Pin,
    user: str,
    digest: int,
    operation: Event,
    writes: WriteSet,
) -> WriteOk:
    """Log an operation on a message and store it as the last change of the message."""
    operation.user = user or UNSET
    operation.target = request.target
    writes.append(message.room, operation, key=request.key, digest=digest)
    removal.supersede(message, operation, writes)
    message.event.changed = operation.seq
    writes.rewrite(message)
    return acknowledgement(request, operation)


@once
def edit(user: str, request: Edit, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Replace the body of a message of the user within the edit window."""
    digest = first_time(user, request, writes, reads)
    named = reads.rooms.get(request.room)
    check_content(user, request.body, named, reads)
    room, member = authorize(named, user, "edit")
    if is_bound(room, member):
        check_may_post(room, member, writes.now)
        check_mentions_all(room, member, request.body)
    message = target_of(room, member, request.target, reads)
    check_editable(message, user, writes.now, reads.rules.edit_window_ms)
    before = files_of(message, reads)
    found = resolved(user, request.body, room, writes, reads, before)
    if same(message.event.body, found.body):
        return WriteOk(duplicate=True)
    message.event.body = found.body
    message.event.edited = writes.now
    exchange(user, before, found, room, request.target, writes, reads)
    return operate(message, request, user, digest, Event(seq=0, kind="edit", body=found.body), writes)


def check_editable(message: Message, user: str, now_ms: int, window_ms: int) -> None:
    """Raise Refused when `user` may not edit a message that they see."""
    if message.event.user != user:
        raise Refused("forbidden", "only its author may edit a message")
    check_not_recalled(message)
    if message.event.body is not UNSET and message.event.body.forwarded is not UNSET:
        raise Refused("forbidden", "a forwarded message stays as it was written", field="target")
    check_window(message, now_ms, window_ms)


def files_of(message: Message, reads: ReadSet) -> dict[str, AttachedAt]:
    """Return the files that a message holds, by id."""
    held, place = reads.records_of(AttachedAt), (message.room.number, message.event.seq)
    names = dict.fromkeys(named_files(message.event.body))
    return {name: held[*place, name] for name in names if (*place, name) in held}


@once
def recall(user: str, request: Recall, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Take a message back for everybody: by its author within the window, or by an admin or the host at any time."""
    digest = first_time(user, request, writes, reads)
    room, member = authorize(reads.rooms.get(request.room), user, "recall")
    # Others see it still.
    message = target_of(room, member, request.target, reads, may_be_deleted=True)
    moderates = user == HOST or (not room.direct and member.role != "member")
    if message.event.user != user and not moderates:
        raise Refused("forbidden", "only its author or an admin may recall a message")
    check_not_recalled(message)
    if not moderates:
        check_window(message, writes.now, reads.rules.recall_window_ms)
    removal.recall(message, writes, reads)
    return operate(message, request, user, digest, Event(seq=0, kind="recall"), writes)


def check_window(message: Message, now: int, window_ms: int) -> None:
    assert message.event.time is not UNSET
    if now - message.event.time > window_ms:
        raise Refused("edit_window", "too late to change this message")


@once
def react(user: str, request: React, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Set or clear one reaction. A large room logs no event for it: a summary follows within a second."""
    digest = first_time(user, request, writes, reads)
    room, member = authorize(reads.rooms.get(request.room), user, "react")
    message = target_of(room, member, request.target, reads)
    if request.set and is_bound(room, member):
        check_may_react(room, member, writes.now)
    if request.set:
        check_not_recalled(message)
    emoji = normalized_emoji(message, user, request)
    if ((user, emoji) in message.mine) == request.set:
        return WriteOk(duplicate=True)
    check_reaction_limit(message, emoji, request.set)
    count_reaction(message, user, emoji, request.set)
    writes.add(Reaction(room.number, request.target, user, emoji, request.set))
    if room.scale > reads.rules.large_members:
        writes.rewrite(message)
        writes.summarised[room.number, request.target] = message
        return unlogged(room, user, request, digest, writes)
    operation = Event(seq=0, kind="reaction", emoji=emoji, set=request.set)
    return operate(message, request, user, digest, operation, writes)


def normalized_emoji(message: Message, user: str, request: React) -> str:
    """Return the emoji of a request in normal form. One that an earlier version stored as it came can be cleared so."""
    if not request.set and (user, request.emoji) in message.mine:
        return request.emoji
    if len(request.emoji.encode()) > EMOJI_BYTES_MAX:
        raise Refused("too_large", f"an emoji is at most {EMOJI_BYTES_MAX} bytes", field="emoji")
    emoji = normal_form(request.emoji)
    if emoji is None:
        raise Refused(
            "bad_request", "a reaction is one emoji, or a word between colons, as in :yes:", field="emoji"
        )
    return emoji


def check_reaction_limit(message: Message, emoji: str, is_set: bool) -> None:
    """Refuse one more emoji than REACTIONS_MAX: a message is sent with all its reactions."""
    given = () if message.event.reactions is UNSET else message.event.reactions
    is_new = is_set and all(reaction.emoji != emoji for reaction in given)
    if is_new and len(given) >= REACTIONS_MAX:
        raise Refused("too_large", f"at most {REACTIONS_MAX} different reactions", field="emoji")


def count_reaction(message: Message, user: str, emoji: str, is_set: bool) -> None:
    """Update the counts on the message for one reaction set or cleared."""
    counts = {} if message.event.reactions is UNSET else {r.emoji: r.count for r in message.event.reactions}
    if is_set:
        message.mine.add((user, emoji))
    else:
        message.mine.discard((user, emoji))
    counts[emoji] = counts.get(emoji, 0) + (1 if is_set else -1)
    left = [ReactionCount(emoji, count) for emoji, count in counts.items() if count > 0]
    message.event.reactions = left or UNSET


def summarise_reactions(room: Room, message: Message, writes: WriteSet) -> None:
    """Log one event with the reaction counts of a message, in place of an event for each reaction."""
    counts = [] if message.event.reactions is UNSET else message.event.reactions
    operation = Event(seq=0, kind="reactions", target=message.event.seq, reactions=counts)
    writes.append(room, operation)
    message.event.changed = operation.seq
    writes.rewrite(message)


@once
def pin(user: str, request: Pin, writes: WriteSet, reads: ReadSet) -> WriteOk:
    """Pin or unpin a message."""
    digest = first_time(user, request, writes, reads)
    room, member = authorize(reads.rooms.get(request.room), user, "pin")
    check_not_silenced(member, writes.now)
    message = target_of(room, member, request.target, reads)
    if request.set:
        check_not_recalled(message)
    if (message.event.pinned is True) == request.set:
        return WriteOk(duplicate=True)
    message.event.pinned = True if request.set else UNSET
    return operate(message, request, user, digest, Event(seq=0, kind="pin", set=request.set), writes)
