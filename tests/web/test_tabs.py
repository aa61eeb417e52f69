"""Tabs of one browser that share a storage and a connection, in a real browser, against a real daemon."""

import random
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from chatd.client import Client, Room
from tests.kit import web_sources
from tests.kit.browser import BROWSER, watched_context, web_daemon
from tests.kit.cut_link import CutLink, cut_link
from tests.kit.daemon import RunningDaemon
from tests.kit.soak import scaled, seed_base
from tests.kit.tokens import token_for
from tests.kit.waiting import until

pytestmark = [*BROWSER, pytest.mark.skipif(web_sources.why_not_built() is not None, reason="Node is missing")]

# What a browser says of the handle of a database that is gone.
BROKEN = """times => {
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (...given) {
    if (times-- > 0) throw new DOMException("the database connection is closing", "UnknownError");
    return transaction.apply(this, given);
  };
}"""


class Tab:
    """One tab of alice; every method of the driver of web/sdk/test/tabs_page.ts can be called on it."""

    def __init__(self, page: Any) -> None:
        self.page = page

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *given: self.page.evaluate(f"given => chat.{name}(...given)", list(given))

    async def until(self, expression: str) -> None:
        await self.page.wait_for_function(expression)


class Browser:
    """A browser profile in which alice opens tabs, and bob, who talks with her."""

    def __init__(self, context: Any, script: str, link: CutLink, bob: Client, room: Room) -> None:
        self.context = context
        self.script = script
        self.link = link
        self.bob = bob
        self.room = room

    async def tab(self, *, broken: int = 0, ready: bool = True, messages_max: int | None = None) -> Tab:
        tab = Tab(await self.context.new_page())
        await tab.page.goto(
            f"http://127.0.0.1:{self.link.port}/v1/health"
        )  # a page of this origin with nothing on it
        await tab.page.evaluate(self.script)
        if broken:
            await tab.page.evaluate(BROKEN, broken)
        await tab.open(f"ws://127.0.0.1:{self.link.port}/v1/ws", token_for("alice"), "alice", messages_max)
        if ready:
            await tab.until("() => chat.phase() === 'ready'")
        return tab

    async def heard(self, count: int) -> list[str]:
        """Return the texts of the room, once it has so many."""
        await until(lambda: len(self.room.messages) >= count)
        return [message.text for message in await self.room.timeline(50)]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("tabs") / "tabs.js"
    source = "sdk/test/tabs_page.ts"
    command = [web_sources.node(), "node_modules/esbuild/bin/esbuild", source, "--bundle", "--format=iife"]
    subprocess.run([*command, f"--outfile={target}"], cwd=web_sources.WEB, check=True, capture_output=True)
    return target.read_text()


@pytest_asyncio.fixture(loop_scope="session")
async def alice(browser: Any, script: str, tmp_path: Path) -> AsyncIterator[Browser]:
    async with web_daemon(tmp_path) as daemon, profile(browser, script, daemon) as opened:
        yield opened


@asynccontextmanager
async def profile(browser: Any, script: str, daemon: RunningDaemon) -> AsyncIterator[Browser]:
    async def get_token() -> str:
        return token_for("bob")

    watched = watched_context(browser, bypass_csp=True)
    async with (
        watched as (context, _),
        cut_link(urlsplit(daemon.http_url).port or 0) as link,
        Client(daemon.url, get_token) as bob,
    ):
        yield Browser(context, script, link, bob, await bob.direct("alice"))


async def test_tabs_share_one_connection_and_show_the_same(alice: Browser) -> None:
    first = await alice.tab()
    second = await alice.tab()
    room = alice.room.id
    for tab in (first, second):
        assert await tab.texts(room) == []
    await second.post(room, "from the second")
    await first.post(room, "from the first")
    await alice.heard(2)
    await alice.room.send("from bob")
    for tab in (first, second):
        await tab.until(f"() => chat.shown('{room}').length === 3")
        assert await tab.texts(room) == ["from the second", "from the first", "from bob"]
        assert await tab.count("messageAdded") == 3
    await until(lambda: alice.link.sockets == 1)
    await first.draft(room, "half a word")
    await second.until(f"() => chat.drafts()['{room}'] === 'half a word'")


async def test_who_followed_leads_when_the_leader_is_closed(alice: Browser) -> None:
    first = await alice.tab()
    second = await alice.tab()
    room = alice.room.id
    await first.post(room, "one")
    posted = second.post(room, "two")
    await first.page.close()
    await posted
    await second.post(room, "three")
    assert sorted(await alice.heard(3)) == ["one", "three", "two"]
    await second.until("() => chat.phase() === 'ready' && chat.waiting() === 0")


async def test_a_frozen_leader_loses_the_lead_and_follows_when_it_thaws(alice: Browser) -> None:
    first = await alice.tab()
    second = await alice.tab()
    room = alice.room.id
    debugger = await alice.context.new_cdp_session(first.page)
    await debugger.send("Debugger.enable")
    await debugger.send("Debugger.pause")
    # The page stops at the next thing that it runs: its lock stays.
    await second.post(room, "while it is frozen")
    await alice.heard(1)
    await debugger.send("Debugger.resume")
    await debugger.send("Debugger.disable")
    await first.post(room, "thawed")
    # Stored is not sent: only then is his message the later one.
    await alice.heard(2)
    await alice.room.send("from bob")
    for tab in (first, second):
        await tab.until(f"async () => (await chat.texts('{room}')).length === 3")
        assert await tab.texts(room) == ["while it is frozen", "thawed", "from bob"]
    await until(lambda: alice.link.sockets == 1)


async def test_what_a_tab_could_not_tell_any_more_is_sent_for_it(alice: Browser) -> None:
    await alice.tab()
    second = await alice.tab()
    # It ends between storing the message and telling the leader.
    await second.page.evaluate("() => { BroadcastChannel.prototype.postMessage = () => {} }")
    await second.post(alice.room.id, "untold")
    await second.page.close()
    assert await alice.heard(1) == ["untold"]


async def test_what_a_leader_could_not_tell_any_more_is_loaded_by_who_never_heard_it(alice: Browser) -> None:
    leader = await alice.tab()
    await alice.tab()
    await leader.page.evaluate("() => { BroadcastChannel.prototype.postMessage = () => {} }")
    last, room = await alice.tab(ready=False), alice.room.id
    await last.until(f"() => chat.rooms().includes('{room}')")
    await leader.draft(room, "untold")
    await leader.page.close()
    await last.until(f"() => chat.drafts()['{room}'] === 'untold'")


async def test_a_draft_that_a_tab_could_not_tell_of_any_more_reaches_the_others(alice: Browser) -> None:
    first, second, third = [await alice.tab() for _ in range(3)]
    room = alice.room.id
    await first.draft(room, "half a word")
    await third.until(f"() => chat.drafts()['{room}'] === 'half a word'")
    await second.page.evaluate("() => { BroadcastChannel.prototype.postMessage = () => {} }")
    await second.draft(room, "a word")
    await second.page.close()
    for tab in (first, third):
        await tab.until(f"() => chat.drafts()['{room}'] === 'a word'")
    assert await first.count("draftChanged") == await third.count("draftChanged") == 2


async def test_the_server_hears_of_the_background_when_the_last_tab_was_hidden_for_a_while(
    alice: Browser,
) -> None:
    leader = await alice.tab()
    second = await alice.tab()
    await leader.show(False)
    await leader.texts(alice.room.id)
    assert await leader.background() is False
    await second.show(False)
    await leader.until("() => chat.background()")
    await second.show(True)
    await leader.until("() => !chat.background()")


@pytest.mark.parametrize("moment", ["unawaited", "stored", "two tabs"])
async def test_a_post_outlives_its_tab_and_is_sent_once(alice: Browser, moment: str) -> None:
    leader = await alice.tab()
    tab = await alice.tab() if moment == "two tabs" else leader
    room = alice.room.id
    alice.link.cut()
    if moment == "unawaited":
        await tab.page.evaluate(f"() => void chat.post('{room}', 'kept')")
    else:
        await tab.post(room, "kept")
    await leader.page.close()
    if tab is not leader:
        await tab.page.close()
    alice.link.mend()
    again = await alice.tab()
    await again.until("() => chat.waiting() === 0")
    texts = await again.texts(room)
    assert texts == ["kept"] or (moment == "unawaited" and texts == [])
    assert [message.text for message in await alice.room.timeline(50)] == texts


async def test_a_dead_handle_of_the_database_is_opened_anew(alice: Browser) -> None:
    tab = await alice.tab(broken=2)
    await tab.post(alice.room.id, "stored")
    await alice.heard(1)
    assert await tab.count("storageLost") == 0


async def test_memory_stands_in_for_a_dead_storage(alice: Browser) -> None:
    tab = await alice.tab(broken=1_000_000)
    await tab.until("() => chat.count('storageLost') === 1")
    await tab.post(alice.room.id, "unstored")
    assert await alice.heard(1) == ["unstored"]


async def test_rooms_not_opened_for_long_lose_their_messages_first(alice: Browser) -> None:
    other = await alice.bob.create_group("Other", ["alice"])
    for room in (alice.room, other):
        for number in range(6):
            await room.send(f"{number}")
    tab = await alice.tab()
    for room in (other, alice.room):
        await tab.texts(room.id)
    await tab.close()  # what it fetched is stored then
    tab = await alice.tab(messages_max=10)  # of 14, with the first event of each room
    assert len(await tab.cached(alice.room.id)) == 6
    assert await tab.cached(other.id) == []
    assert len(await tab.texts(other.id)) == 6


class Fate:
    """What may happen to alice's tabs, drawn from a seed, and what must be true whatever did."""

    def __init__(self, alice: Browser, seed: int) -> None:
        self.alice = alice
        self.chance = random.Random(seed)
        self.tabs: list[Tab] = []
        self.halted: dict[Tab, Any] = {}
        self.posted: list[str] = []  # in vain, perhaps
        self.promised: list[str] = []  # their posts were resolved
        self.draft = ""

    @property
    def running(self) -> list[Tab]:
        return [tab for tab in self.tabs if tab not in self.halted]

    async def open(self) -> None:
        if len(self.tabs) < 3:
            await self.online()  # nothing stores this page
            self.tabs.append(await self.alice.tab(ready=False))

    async def post(self) -> None:
        tab = self.chance.choice(self.running)
        text = f"post {len(self.posted)}"
        self.posted.append(text)
        if self.chance.random() < 0.3:
            await tab.page.evaluate(f"() => void chat.post('{self.alice.room.id}', '{text}')")
        else:
            await tab.post(self.alice.room.id, text)
            self.promised.append(text)

    async def type(self) -> None:
        self.draft = f"draft {self.chance.random()}"
        await self.chance.choice(self.running).draft(self.alice.room.id, self.draft)

    async def end(self) -> None:
        tab = self.chance.choice(self.running)
        self.tabs.remove(tab)
        await tab.page.close()

    async def halt(self) -> None:
        tab = self.chance.choice(self.running)
        self.halted[tab] = debugger = await self.alice.context.new_cdp_session(tab.page)
        await debugger.send("Debugger.enable")
        await debugger.send("Debugger.pause")

    async def thaw(self) -> None:
        if self.halted:
            _, debugger = self.halted.popitem()
            await debugger.send("Debugger.disable")
            await debugger.detach()

    async def offline(self) -> None:
        self.alice.link.cut()

    async def online(self) -> None:
        self.alice.link.mend()

    async def happen(self) -> None:
        """One step; there is always a tab that runs."""
        if not self.running:
            await self.thaw()
        if not self.running:
            await self.open()
        steps = [self.post] * 4 + [
            self.type,
            self.open,
            self.end,
            self.halt,
            self.thaw,
            self.offline,
            self.online,
        ]
        await self.chance.choice(steps)()

    async def check(self) -> None:
        await self.online()
        while self.halted:
            await self.thaw()
        last = await self.alice.tab()
        await last.until("() => chat.waiting() === 0")
        await until(lambda: not self.promised or self.promised[-1] in self.sent())
        assert [text for text in self.sent() if text in self.promised] == self.promised
        assert len(set(self.sent())) == len(self.sent())
        assert (await last.drafts()).get(self.alice.room.id, "") == self.draft

    def sent(self) -> list[str]:
        return [message.text for _, message in sorted(self.alice.room.messages.items())]


@pytest.mark.parametrize("seed", range(scaled(2, 200)))
async def test_whatever_happens_to_tabs_typed_text_survives_and_is_sent_once(
    alice: Browser, seed: int
) -> None:
    await alice.room.send("hello")
    fate = Fate(alice, seed_base() + seed)
    print(f"SEED={seed_base()} repeats this")  # shown when it fails
    for _ in range(25):
        await fate.happen()
    await fate.check()
