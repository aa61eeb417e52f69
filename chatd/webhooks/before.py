"""Before-hooks: what is about to be stored goes to the back end of the host app in a signed POST, for its verdict.

An answer is taken item by item: an item that is missing in it, or whose verdict is not known or not valid, has none.
Anything but a 200 in time is none for all. It is asked once; whoever wants to know asks again.
"""

import logging
import re
from base64 import b32encode
from collections.abc import Sequence
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace

from chatd.config.hooks import BeforeHook
from chatd.config.secret import Secret
from chatd.core.attachments import named_files
from chatd.core.messages import check_body
from chatd.core.read_set import Rules
from chatd.egress.client import ANSWER_BYTES_MAX, Client, Unreachable
from chatd.egress.guard import EgressRefused
from chatd.egress.signing import signed
from chatd.env import Env
from chatd.protocol.codec import UNDECODABLE, as_json, encode, host_data
from chatd.protocol.errors import Refused
from chatd.protocol.identifiers import Word
from chatd.protocol.media import SCHEME
from chatd.protocol.messages import Body, LooseBody, without_empties
from chatd.protocol.timestamps import rfc3339
from chatd.webhooks.interface import Do, Item, LinkOf, On, Verdict

ID_BYTES = 10  # 80 random bits
BODY_LEVEL = 3  # of a body's host data, as in a packet
# A rewrite repeats what was asked about, with up to six bytes for two. An answer that is cut decides on nothing, so
# whoever sends long texts could have those of others pass beside them.
REWRITE_GROWTH = 4
FILE = re.compile(rf"{SCHEME}[A-Za-z0-9_-]{{22}}\Z")
DOES = frozenset(get_args(Do))
# Of an answer; the last by one that is nested thousands of levels deep.
UNREADABLE = (*UNDECODABLE, RecursionError)

log = logging.getLogger(__name__)


class Given(Struct, frozen=True):
    """A verdict as a back end writes it; other keys are ignored."""

    id: str
    do: str
    reason: Word = ""
    body: LooseBody | UnsetType = UNSET


class Answer(Struct, frozen=True):
    items: Annotated[list[Raw], Meta(max_length=1000)]


class RemoteJudge:
    """The judge behind one before-hook. `rules`: the bounds of a rewritten body, as of any other."""

    def __init__(
        self,
        hook: BeforeHook,
        secrets: Sequence[Secret],
        client: Client,
        env: Env,
        rules: Rules,
        link_of: LinkOf,
    ) -> None:
        self.name = ",".join(hook.on)
        self.on: frozenset[On] = frozenset(hook.on)
        self.batch = hook.batch
        self.deadline_s = hook.deadline_ms / 1000
        self.fails_open = hook.fail == "open"
        self._secrets = secrets
        self._client = client
        self._env = env
        self._rules = rules
        self._link_of = link_of

    async def judge(self, items: Sequence[Item]) -> Sequence[Verdict | None]:
        """Ask about these items, once; return the verdict on each, in their order, None for those that have none."""
        now = self._env.now_ms()
        body = question(items, now, self._link_of)
        id = f"before-{b32encode(self._env.random_bytes(ID_BYTES)).decode().lower()}"
        try:
            answer = await self._client.post(
                body,
                signed(self._secrets, id, now, body),
                self.deadline_s,
                ANSWER_BYTES_MAX + REWRITE_GROWTH * len(body),
            )
        except (Unreachable, EgressRefused) as error:
            log.warning("the before-hook for %s gave no verdict: %s", self.name, error)
            return [None] * len(items)
        if answer.status != 200:
            log.warning("the before-hook for %s gave no verdict: status %d", self.name, answer.status)
            return [None] * len(items)
        given = self._verdicts(answer.body)
        verdicts = [given.get(item.id) for item in items]
        if missing := verdicts.count(None):
            log.warning("the before-hook for %s gave no valid verdict on %d items", self.name, missing)
        return verdicts

    def _verdicts(self, content: bytes) -> dict[str, Verdict]:
        """Return the valid verdicts of an answer by id. Of two on the same item neither counts."""
        try:
            answer = msgspec.json.decode(content, type=Answer)
        except UNREADABLE:
            return {}
        verdicts: dict[str, Verdict] = {}
        seen: set[str] = set()
        for raw in answer.items:
            try:
                given = msgspec.json.decode(raw, type=Given)
                verdict = verdict_of(given, self._rules)
            except (*UNREADABLE, Refused):
                continue
            if given.id in seen:
                verdicts.pop(given.id, None)
            else:
                verdicts[given.id] = verdict
            seen.add(given.id)
        return verdicts

    async def close(self) -> None:
        await self._client.close()


def question(items: Sequence[Item], now_ms: int, link_of: LinkOf) -> bytes:
    """Return the body of a POST that asks about these items."""
    shown = [asked_about(item, link_of) for item in items]
    return msgspec.json.encode({"type": "before", "timestamp": rfc3339(now_ms), "items": shown})


def asked_about(item: Item, link_of: LinkOf) -> dict[str, Any]:
    """Return an item as JSON shows it: without what is empty, with what was asked for, and links to its files."""
    shown = {
        name: value
        for name in ("id", "on", "user", "device", "address", "room", "kind", "members")
        if (value := getattr(item, name))
    }
    if item.body is not None:
        shown["body"] = Raw(as_json(encode(item.body)))
    if links := {url: link for url in files_of(item) if (link := link_of(url.removeprefix(SCHEME)))}:
        shown["links"] = links
    if item.fields:
        shown |= msgspec.json.decode(as_json(encode(dict(item.fields))))
    return shown


def files_of(item: Item) -> list[str]:
    """Return the addresses of files of this server that a change names: those of a message, a card or a room."""
    given = [] if item.body is None else [SCHEME + name for name in named_files(item.body)]
    given += [value for value in item.fields.values() if isinstance(value, str)]
    return [url for url in given if FILE.match(url)]


def verdict_of(given: Given, rules: Rules) -> Verdict:
    """Return the verdict that was given. Raises Refused when it is not known, or its body is none."""
    if given.do not in DOES:
        raise Refused("bad_request", "a verdict that is not known", field="do")
    do: Do = given.do  # type: ignore[assignment]
    if do != "rewrite":
        return Verdict(do, given.reason)
    if given.body is UNSET:
        raise Refused("bad_request", "a rewrite without a body", field="body")
    return Verdict(do, given.reason, valid_body(given.body, rules))


def valid_body(given: LooseBody, rules: Rules) -> Body:
    """Return the body that takes the place of another one, held to the same bounds. Raises Refused."""
    body: Body = without_empties(given)
    if body.data is not UNSET:
        body = replace(body, data=host_data(body.data, True, BODY_LEVEL, rules.body_bytes))
    check_body(body, rules, files=True)
    return body
