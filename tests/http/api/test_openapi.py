"""The description of the API: valid, whole, and kept by the daemon whatever a generator of requests makes of it."""

import asyncio
import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from chatd.config.model import Config
from chatd.http.api.application import TABLE
from chatd.http.api.openapi import described
from chatd.http.api.route import OPEN, SOCKET_ONLY, scopes_of
from tests.http.api.conftest import ADDRESS, Caller
from tests.kit.daemon import config_for, running_daemon
from tests.kit.soak import scaled, seed_base

HERE = Path(__file__).parent
# Requests of schemathesis for each operation; in a soak those that it makes of every schema, too.
EXAMPLES = scaled(2, 150)
CASES = scaled(150, 10_000)
PHASES = scaled(("examples", "fuzzing"), ("examples", "coverage", "fuzzing", "stateful"))


@pytest.fixture(scope="module")
def description() -> Any:
    return json.loads(msgspec.json.encode(described(TABLE)))


def test_the_description_is_valid(description: Any) -> None:
    validate(description)
    # A pattern is one of ECMAScript.
    assert "\\\\Z" not in json.dumps(description)


def test_every_route_that_a_key_opens_is_described_with_its_scope(description: Any) -> None:
    found = {
        (method.upper(), path): operation
        for path, operations in description["paths"].items()
        for method, operation in operations.items()
    }
    expected = {(route.method, route.path): route for route in TABLE if route.scope != SOCKET_ONLY}
    assert found.keys() == expected.keys()
    for place, route in expected.items():
        wanted = [] if route.scope == OPEN else [{"key": [route.needed_scope]}]
        assert found[place]["security"] == wanted
        assert ("requestBody" in found[place]) == route.has_body
    names = [operation["operationId"] for operation in found.values()]
    assert len(set(names)) == len(names)


async def test_no_key_is_needed_to_read_the_description(tmp_path: Path, description: Any) -> None:
    async with running_daemon(config_for(tmp_path, listen=ADDRESS)) as daemon:
        assert await Caller(daemon.api_url).get("/v1/openapi.json") == description


def switched_on() -> dict[str, dict[str, Any]]:
    """The sections of all parts that can be switched on, and are: what is off answers `not_supported`."""
    known = {name: getattr(Config(), name) for name in Config.__struct_fields__}
    off = [name for name, section in known.items() if getattr(section, "enabled", True) is False]
    return {name: {"enabled": True} for name in off}


@pytest.mark.timeout(scaled(1200, 7200))
@pytest.mark.asyncio(loop_factories=["asyncio"])
async def test_a_generator_of_requests_finds_nothing(tmp_path: Path) -> None:
    sections = switched_on()
    sections["people"]["host_owns"] = ("friends", "follows", "blocks")
    sections["api"] = {"rate_per_s": 100_000, "burst": 100_000}
    sections["auth"] = {"token_lifetime_max_s": 30 * 86_400}
    config = config_for(tmp_path / "data", listen=ADDRESS, **sections)
    async with running_daemon(config) as daemon:
        key = await daemon.api("POST", "/v1/keys", name="tester", scopes=sorted(scopes_of(TABLE)))
        group = {"as": "alice", "key": "tester-1", "title": "a group", "users": ["bob"]}
        room = (await daemon.api("POST", "/v1/rooms", **group)).json["room"]
        message = {"as": "alice", "key": "tester-2", "body": {"text": "hi"}}
        await daemon.api("POST", f"/v1/rooms/{room}/messages", **message)
        tool = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("st"), "--config-file", HERE / "schemathesis.toml",
            "run", f"{daemon.api_url}/v1/openapi.json", "--header", f"Authorization: Bearer {key.json['secret']}",
            "--phases", ",".join(PHASES), "--max-examples", str(EXAMPLES), "--seed", str(seed_base()), "--no-color",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            env={**os.environ, "CHATD_ROOM": room, "PYTHONPATH": str(HERE.parents[2])},
        )  # fmt: skip
        output = (await tool.communicate())[0].decode()
        assert tool.returncode == 0, output
        assert daemon.app.counters.defects == 0
        answered = daemon.app.counters.api_requests
    made = re.search(r"(\d+) generated", output)
    assert made is not None
    assert int(made[1]) >= CASES, output
    # It got past the door, and did something there.
    assert answered["ok"] > CASES // 10, answered
