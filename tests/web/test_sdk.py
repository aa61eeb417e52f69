"""The TypeScript client: its own tests, the conformance kit, a real daemon that is killed and restored, the package."""

import asyncio
import gzip
import json
import shlex
import socket
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest

from chatd.client import Client, MemoryStorage, MessageAdded, normal_emoji
from chatd.conformance.daemon import Daemon
from chatd.conformance.faults import Plan, SeedResult, faults
from chatd.conformance.launch import CommandLauncher
from chatd.conformance.testee import Testee as Running
from tests.kit.daemon import DaemonProcess, daemon_process
from tests.kit.node import WEB, Node
from tests.kit.node import node as node
from tests.kit.soak import scaled
from tests.kit.tokens import token_for

SDK = WEB / "sdk"
PACKETS = scaled(5000, 100_000)

KIB = 1024
BUDGETS = {
    "index": 20 * KIB,
    "people": 3 * KIB + 128,  # with the rule by which a room counts, which any chat list needs
    "platform": KIB,
    "push": 3 * KIB - 128,
    "media": 8 * KIB,
    "live": 4 * KIB,
    "conversations": 4 * KIB,
    "search": KIB,
    "msgpack": 2 * KIB,
    "browser": 6 * KIB,
    "json": KIB,
    "node": KIB,
    "native": KIB,
}
"""Bytes of each entry, minified and compressed, without what the first has already loaded."""

LINES_MAX = 400
GENERATED = {"packets.ts"}


def test_its_own_tests_pass(node: Node, tmp_path: Path) -> None:
    """All in one process: the runner of Node would start one for each file."""
    node.bundle(*sorted((SDK / "test").glob("*.test.ts")), folder=tmp_path)
    whole = tmp_path / "whole.mjs"
    whole.write_text("".join(f'import "./{file.name}";\n' for file in sorted(tmp_path.glob("*.mjs"))))
    node.run(whole)


def test_types_are_right(node: Node) -> None:
    node.run_package("tsc", "--noEmit", "-p", SDK)


def test_random_packets_survive_an_independent_library(node: Node, tmp_path: Path) -> None:
    node.bundle(SDK / "test" / "echo.ts", folder=tmp_path)
    sent = [bytes.fromhex(line) for line in node.run(tmp_path / "echo.mjs", PACKETS).splitlines()]
    assert len(sent) == PACKETS
    back = [msgpack.packb(msgpack.unpackb(frame, raw=False), use_bin_type=True).hex() for frame in sent]
    assert [frame.hex() for frame in sent] == back
    (tmp_path / "back").write_text("\n".join(back))
    node.run(tmp_path / "echo.mjs", PACKETS, tmp_path / "back")


def test_emoji_have_the_normal_form_that_the_python_client_gives_them(node: Node, tmp_path: Path) -> None:
    points = [*range(0xA0, 0x3300), *range(0x1F000, 0x1FAFF)]
    texts = [chr(point) + suffix for point in points for suffix in ("", "\ufe0f", "\U0001f3fd")]
    texts += [
        "1\u20e3",
        "#\ufe0f\u20e3",
        "❤\ufe0e",
        "👩\u200d❤\ufe0f\u200d👩",
        "🏳\u200d🌈",
        ":yes:",
        "1",
        "a",
    ]
    node.bundle(SDK / "test" / "emoji.ts", folder=tmp_path)
    normal = json.loads(node.run(tmp_path / "emoji.mjs", stdin=json.dumps(texts)))
    assert [
        (text, found) for text, found in zip(texts, normal, strict=True) if found != normal_emoji(text)
    ] == []


async def test_it_passes_the_conformance_kit(node: Node, tmp_path: Path) -> None:
    kit = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "chatd.conformance", "run", "--testee", node.testee(tmp_path)),
        *("--encoding", "msgpack"),
        stdout=PIPE,
        stderr=DEVNULL,
    )
    try:
        output, _ = await kit.communicate()
    finally:
        with suppress(ProcessLookupError):
            kit.kill()
    assert kit.returncode == 0, output.decode()


@pytest.mark.parametrize("time", ["virtual", "real"])
async def test_a_testee_ends_with_its_kit_whatever_it_waits_for(
    node: Node, tmp_path: Path, time: str
) -> None:
    command = node.testee(tmp_path) + (" --time real" if time == "real" else "")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.setblocking(False)
        host, port = silent.getsockname()
        testee = await asyncio.create_subprocess_exec(*shlex.split(command), stdin=PIPE, stdout=PIPE)
        assert testee.stdin is not None
        assert testee.stdout is not None

        def say(**line: object) -> None:
            testee.stdin.write(f"{json.dumps(line)}\n".encode())

        say(type="start", id=1, url=f"ws://{host}:{port}/v1/ws")
        while json.loads(await testee.stdout.readline())["type"] != "ask":
            pass
        say(type="token", id=1, token="t")
        connection, _ = await asyncio.get_running_loop().sock_accept(silent)
        with connection:
            if time == "virtual":
                say(type="clock", id=2, advance_ms=0)
            try:
                await testee.communicate(b"")
            finally:
                with suppress(ProcessLookupError):
                    testee.kill()
        assert testee.returncode == 0


async def test_nothing_is_lost_or_doubled_when_links_break_and_the_daemon_is_killed(
    node: Node, tmp_path: Path
) -> None:
    results: list[SeedResult] = []
    launcher = CommandLauncher(node.testee(tmp_path))
    await faults(range(1, 2), launcher, Daemon.own(tmp_path), Plan(), results.append)
    assert [(result.seed, result.wrong) for result in results] == [(1, [])]


# --- with a daemon as an operator runs it


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DaemonProcess]:
    async with daemon_process(tmp_path) as running:
        yield running


class App:
    """A testee on a real clock, as one user, and its room."""

    def __init__(self, testee: Running, user: str) -> None:
        self.testee = testee
        self.room = ""
        testee.on_ask = lambda number: self._answer(number, user)
        self._answers: set[asyncio.Task[None]] = set()

    def _answer(self, number: int, user: str) -> None:
        answer = asyncio.create_task(self.testee.give_token(number, token_for(user)))
        self._answers.add(answer)
        answer.add_done_callback(self._answers.discard)

    async def texts(self) -> list[str]:
        """Return the texts of the room, and those that wait in the outbox as dots."""
        state = await self.testee.ask("state")
        shown = state["rooms"].get(self.room, {}).get("messages", [])
        return [message["text"] for message in shown] + ["..." for _ in state["outbox"]]

    async def post(self, text: str) -> None:
        await self.testee.ask("do", what="post", room=self.room, text=text)

    async def until_texts(self, *expected: str) -> None:
        """Wait until the room has exactly these texts, in their order."""
        async with asyncio.timeout(100):
            while (found := await self.texts()) != list(expected):
                assert len(found) <= len(expected) + 1, found
                await asyncio.sleep(0.02)


async def test_a_restored_backup_is_another_history_and_the_outbox_goes_on(
    server: DaemonProcess, node: Node, tmp_path: Path
) -> None:
    command = f"{node.testee(tmp_path)} --time real"
    async with AsyncExitStack() as stack:
        apps = {}
        for user in ("ann", "bob"):
            apps[user] = App(await (CommandLauncher(command)).launch(), user)
            stack.push_async_callback(apps[user].testee.kill)
        ann, bob = apps.values()
        ann.room = bob.room = await room_of("ann", "bob", server.url)
        for user, app in apps.items():
            await app.testee.ask("start", url=server.url, storage=str(tmp_path / f"{user}.chat"))
            await app.testee.ask("do", what="open", room=app.room)
        await ann.post("kept")
        await bob.until_texts("kept")
        saved = tmp_path / "saved.sqlite"
        assert (await server.run("backup", str(saved)))[0] == 0
        await bob.post("lost with the backup")
        await ann.until_texts("kept", "lost with the backup")
        await server.kill9()
        await ann.post("written meanwhile")
        assert (await server.run("restore", "--yes", str(saved)))[0] == 0
        await server.start()
        for app in (ann, bob):
            await app.testee.ask("life", what="network_changed")
            await app.testee.ask("do", what="open", room=app.room)
        await ann.until_texts("kept", "written meanwhile")
        await bob.until_texts("kept", "written meanwhile")


async def room_of(user: str, other: str, url: str) -> str:
    """Return the direct room of two users."""

    async def get_token() -> str:
        return token_for(user)

    async with Client(url, get_token, storage=MemoryStorage()) as client:
        return (await client.direct(other)).id


# --- the package

CONSUMER = """
import { ChatError, Client, type Change } from "@chatd/client";
import { browser } from "@chatd/client/browser";
import { json } from "@chatd/client/json";
import { FileStorage } from "@chatd/client/node";

const storage = new FileStorage("me.chat");
const client = new Client({ url: "wss://chat.example/v1/ws", token: async () => "t", codec: json, storage });
export const another = new Client({ url: "wss://chat.example/v1/ws", token: () => "t", ...browser("u42") });
const length = (change: Change) => (change.kind === "messageAdded" ? change.message.text.length : 0);
client.on((change) => console.log(length(change)));
const { readers } = await client.call({ type: "readers", room: "r", seq: 1 });
console.log(readers[0]?.read.toFixed());
await client.room("r").send("Hi").catch((error: unknown) => {
  if (error instanceof ChatError && error.code === "not_member") console.log(error.field);
});
"""


async def test_the_package_installs_into_an_empty_project_and_chats(
    server: DaemonProcess, node: Node, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "package.json").write_text('{"private": true, "type": "module"}')
    packed = json.loads(node.run_npm("pack", "--json", "--silent", "--pack-destination", tmp_path, cwd=SDK))
    assert {"dist/index.js", "dist/index.d.ts", "README.md"} <= {file["path"] for file in packed[0]["files"]}
    node.run_npm("install", "--offline", "--ignore-scripts", tmp_path / packed[0]["filename"], cwd=project)
    assert len((SDK / "example.mjs").read_text().splitlines()) < 25
    (project / "check.ts").write_text(CONSUMER)
    flags = "--ignoreConfig --noEmit --strict --target es2022 --module esnext --moduleResolution bundler"
    types = ("--types", "node", "--typeRoots", WEB / "node_modules" / "@types")
    node.run_package("tsc", *flags.split(), *types, project / "check.ts")
    for name in ("example.mjs", "example_push.mjs"):
        (project / name).write_bytes((SDK / name).read_bytes())
    bundled = ("--bundle", "--format=esm", f"--outfile={tmp_path / 'page.js'}", "--log-level=warning")
    node.run_package("esbuild", project / "example_push.mjs", *bundled)

    async def get_token() -> str:
        return token_for("bob")

    async with Client(server.url, get_token) as bob:
        changes = bob.changes()
        ann = await asyncio.create_subprocess_exec(
            *(*node.with_sockets, "example.mjs", server.url, token_for("ann"), "bob"),
            cwd=project,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert ann.stdin is not None
        assert ann.stdout is not None
        ann.stdin.write("Hi from Node 👋\n".encode())
        async for change in changes:
            if isinstance(change, MessageAdded):
                break
        assert change.message.text == "Hi from Node 👋"
        await bob.room(change.room).send("Hi from Python")
        assert await ann.stdout.readline() == b"bob: Hi from Python\n"
        ann.stdin.close()
        assert await ann.wait() == 0


@pytest.mark.parametrize("name", BUDGETS)
def test_an_entry_keeps_to_its_budget(name: str, node: Node, tmp_path: Path) -> None:
    entries = [f"sdk/src/{entry}.ts" for entry in sorted({"index", name})]
    flags = ("--bundle", "--splitting", "--minify", "--format=esm", "--target=es2022", "--external:node:*")
    names = ("--mangle-props=^_[a-z]", f"--outdir={tmp_path / 'out'}", f"--metafile={tmp_path / 'meta'}")
    node.run_package("esbuild", *entries, *flags, *names)
    outputs = json.loads((tmp_path / "meta").read_text())["outputs"]
    files = loaded(outputs, name) - (loaded(outputs, "index") if name != "index" else set())
    assert sum(map(compressed, files)) <= BUDGETS[name]


def loaded(outputs: dict[str, Any], name: str) -> set[str]:
    """Return the files that an entry needs at once: not those it imports later."""
    waiting = [file for file, output in outputs.items() if output.get("entryPoint") == f"sdk/src/{name}.ts"]
    found: set[str] = set()
    while waiting:
        file = waiting.pop()
        found.add(file)
        imports = outputs[file]["imports"]
        waiting += [
            each["path"]
            for each in imports
            if each["kind"] == "import-statement" and not each.get("external")
        ]
    return found


def compressed(file: str) -> int:
    return len(gzip.compress((WEB / file).read_bytes(), 9))


def test_no_file_is_too_long() -> None:
    files = [file for file in SDK.rglob("*.ts") if not {"node_modules", "dist"} & set(file.parts)]
    lengths = {file.name: len(file.read_text().splitlines()) for file in files if file.name not in GENERATED}
    assert {name: length for name, length in lengths.items() if length > LINES_MAX} == {}
