"""What a search asks for, what an index keeps of a message, and whether the one is the other (protocol.md "Search").

The three are here together because they have to agree: a message that `matches` a search has one of each of its
`alternatives` among its `index_tokens`. Synchronous and pure.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from msgspec import UNSET

from chatd.core.words import Words, holds, query_tokens, tokens, words
from chatd.protocol.errors import Refused
from chatd.protocol.messages import EVERYBODY, MESSAGE, Attachment, Body, Event
from chatd.protocol.search import Search

# Words of one search: more than anybody types, and each is a walk through the index.
TERMS_MAX = 16
# The letters before authors, contents and mentions, which no word of a text has.
AUTHOR, CONTENT, MENTION = "u:", "h:", "m:"
CARD = "card:"
LINKS = ("http://", "https://")

# The newest events of a room that are read plainly, where an index has not seen them.
TAIL = 1000

Alternatives = Sequence[Sequence[str]]
"""Tokens: of each list, a message that is found has one."""


class Span(NamedTuple):
    """The events `low`..`high` of one room, both inclusive."""

    room: int
    low: int
    high: int


@dataclass(slots=True, frozen=True)
class Wanted:
    """The messages that `user` looks for. `author`: "" for any. `since`, `until`: Unix ms, both inclusive."""

    user: str
    words: Words
    author: str
    has: tuple[str, ...]
    since: int
    until: int | None

    def matches(self, event: Event) -> bool:
        """Whether this message is one of them, as it is now."""
        body = event.body
        if event.kind != MESSAGE or event.recalled is True or body is UNSET:
            return False
        time = 0 if event.time is UNSET else event.time
        return (
            self.since <= time
            and (self.until is None or time <= self.until)
            and (not self.author or event.user == self.author)
            and all(content in self._contents(body) for content in self.has)
            and (self.words == NO_WORDS or holds(text_of(body), self.words))
        )

    def _contents(self, body: Body) -> set[str]:
        mentions = () if body.mentions is UNSET else body.mentions
        is_meant = self.user in mentions or EVERYBODY in mentions
        return {*contents(body), *(["mention"] if is_meant else [])}


NO_WORDS = Words(frozenset(), frozenset())


def wanted(request: Search, user: str, *, singles: bool) -> Wanted:
    """Return what a request asks for. `singles`: whether an index finds single characters of dense scripts.

    Refused("bad_request") for a search that has nothing to go by, "too_large" for one with too many words.
    """
    looked_for = words(request.text)
    if request.text and not query_tokens(request.text, singles=singles):
        raise Refused("bad_request", "there is no word in it that can be searched", field="text")
    if len(looked_for.spaced) + len(looked_for.dense) > TERMS_MAX:
        raise Refused("too_large", f"a search has at most {TERMS_MAX} words", field="text")
    author = "" if request.from_ is UNSET else request.from_
    if not (request.text or author or request.has):
        raise Refused("bad_request", "one of text, from and has", field="text")
    since = 0 if request.since is UNSET else request.since
    until = None if request.until is UNSET else request.until
    return Wanted(user, looked_for, author, tuple(dict.fromkeys(request.has)), since, until)


def alternatives(search: Wanted, text: str, *, singles: bool) -> list[list[str]]:
    """Return the tokens by which an index finds these messages. `text`: that of the request."""
    found = [[token] for token in sorted(query_tokens(text, singles=singles))]
    if search.author:
        found.append([AUTHOR + search.author])
    for content in search.has:
        is_mention = content == "mention"
        found.append([MENTION + search.user, MENTION] if is_mention else [CONTENT + content])
    return found


def index_tokens(event: Event, *, singles: bool) -> set[str]:
    """Return what an index keeps of a message; nothing of a recalled one."""
    body = event.body
    if body is UNSET or event.recalled is True:
        return set()
    kept = tokens(text_of(body), singles=singles)
    kept.update(CONTENT + content for content in contents(body))
    if body.mentions is not UNSET:
        kept.update(MENTION + (name if name != EVERYBODY else "") for name in body.mentions)
    if event.user is not UNSET:
        kept.add(AUTHOR + event.user)
    return kept


def text_of(body: Body) -> str:
    """Return all of a message that its readers read, a line each: text, files, card."""
    return "\n".join(lines(body))


def lines(body: Body) -> Iterator[str]:
    if body.text is not UNSET:
        yield body.text
    for attachment in () if body.attachments is UNSET else body.attachments:
        yield from (line for line in (attachment.name, attachment.alt) if line is not UNSET)
    if body.card is not UNSET:
        yield from (line for line in (body.card.title, body.card.text) if line is not UNSET)


def contents(body: Body) -> Iterator[str]:
    """Return the words for what a message has besides text."""
    if body.text is not UNSET and any(link in body.text for link in LINKS):
        yield "link"
    for attachment in () if body.attachments is UNSET else body.attachments:
        yield content_of(attachment)
    if body.card is not UNSET:
        yield CARD + body.card.type
        if body.card.type == "link":
            yield "link"


def content_of(attachment: Attachment) -> str:
    """Return the word for a file; those from elsewhere are told by their type alone."""
    if attachment.kind is not UNSET:
        return "image" if attachment.kind in ("picture", "sticker") else attachment.kind
    major = attachment.mime.partition("/")[0].lower()
    return major if major in ("image", "video") else "file"
