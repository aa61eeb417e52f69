"""`chatd people`, with the daemon stopped and with it running: the same commands, the same effect."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from chatd.core.graph_digest import bucket_of
from tests.cli.conftest import Run
from tests.kit.daemon import daemon_process

LINES = [
    {"user": "a", "friends": ["b", "c"], "follows": ["d"]},
    {"user": "c", "friends": ["a"], "blocks": ["d"]},
]
SETTINGS = {"PEOPLE__ENABLED": "true", "PEOPLE__HOST_OWNS": "friends,follows,blocks"}

People = Callable[..., Awaitable[tuple[int, str, str]]]


@pytest.fixture(params=["stopped", "running"])
async def people(request: pytest.FixtureRequest, tmp_path: Path, run: Run) -> AsyncIterator[People]:
    """Run `chatd people ARGUMENTS` on a server; return the exit code, and what it printed on both streams."""
    async with AsyncExitStack() as stack:
        async with daemon_process(tmp_path, **SETTINGS) as daemon:
            data = daemon.database.parent
            await daemon.terminate()
        if request.param == "running":
            await stack.enter_async_context(daemon_process(tmp_path, **SETTINGS))
        environment = {f"CHATD_{name}": value for name, value in SETTINGS.items()}

        async def call(*arguments: str, input: str = "") -> tuple[int, str, str]:
            words = ("people", *arguments, "--data", str(data))
            result = await asyncio.to_thread(run, *words, input=input, **environment)
            return result.exit_code, result.stdout, result.stderr

        yield call


def ndjson(*lines: Any) -> str:
    return "".join(json.dumps(line) + "\n" for line in lines)


async def test_a_graph_is_imported_compared_and_explained(people: People, tmp_path: Path) -> None:
    (tmp_path / "friends.ndjson").write_text(ndjson(*LINES))
    code, output, errors = await people("import", str(tmp_path / "friends.ndjson"))
    # The second line takes nothing from the first, whose friendship with c it repeats.
    assert (code, output, errors) == (0, "Imported 2 users: 4 edges added, 0 removed.\n", "")
    again = await people("import", "-", input=ndjson(*LINES))
    assert again == (0, "Imported 2 users: 0 edges added, 0 removed.\n", "")
    whole = json.loads((await people("digest"))[1])
    assert whole["counts"] == {"friend": 4, "follow": 1, "block": 1}
    assert bucket_of("a") in whole["buckets"]
    assert "a" in json.loads((await people("digest", "--bucket", bucket_of("a")))[1])["users"]
    assert json.loads((await people("digest", "--user", "a"))[1])["edges"] == {
        "friend": ["b", "c"],
        "follow": ["d"],
    }
    assert (await people("explain", "d", "c", "write"))[1] == "no: c blocks the other\nd is a stranger to c\n"
    assert (await people("explain", "b", "a", "write"))[1] == (
        "yes: a admits friends, as the host has it by default\nb is a friend of a\n"
    )
    assert json.loads((await people("explain", "b", "a", "write", "--json"))[1])["outcome"] == "yes"


async def test_lines_that_are_refused_are_named_and_the_others_carried_out(people: People) -> None:
    code, output, errors = await people(
        "import", "-", input='{"user": "a", "friends": ["b"]}\n{]\n{"user": "c/"}\n'
    )
    assert code == 1
    assert output == "Imported 1 users: 1 edges added, 0 removed.\n"
    assert "line 2: unreadable: " in errors
    assert "line 3: bad_request: " in errors
    # One that is no user.
    code, output, errors = await people("explain", "two words", "b", "write")
    assert (code, output) == (1, "")
    assert errors.startswith("chatd: `a` must be the id of a user, ")
