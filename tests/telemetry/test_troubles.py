"""Troubles: one line when one begins and one when it ends, whatever happens in between; the table of the document."""

import re
from pathlib import Path

import pytest

from chatd.telemetry.troubles import CALM_S, TROUBLES, Troubles
from tests.kit.env import ManualEnv

OPERATIONS = Path(__file__).parents[2] / "docs" / "operations.md"


@pytest.fixture
def env() -> ManualEnv:
    return ManualEnv()


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def troubles(env: ManualEnv, said: list[str]) -> Troubles:
    return Troubles(env.monotonic, lambda text, *about: said.append(text % about))


def test_what_lasts_is_said_once_and_so_is_its_end(
    troubles: Troubles, env: ManualEnv, said: list[str]
) -> None:
    for _ in range(100):
        troubles.report("disk", "the disk is full")
        troubles.report("reads", "the disk reports errors")
        env.advance(0.5)
    assert said == [
        "trouble with disk: the disk is full; until it ends changes are refused with overloaded, reading goes on",
        "trouble with reads: the disk reports errors; "
        "until it ends requests that need the database are refused with internal",
    ]
    env.advance(CALM_S)
    troubles.report_ok("disk")
    troubles.report_ok("disk")
    assert said[2:] == ["no more trouble with disk: it lasted 49.5 s and was met 100 times"]
    assert troubles.met["disk"] == 100
    assert set(troubles.now) == {"reads"}


def test_what_comes_and_goes_with_each_request_is_one_trouble(
    troubles: Troubles, env: ManualEnv, said: list[str]
) -> None:
    for _ in range(100):
        troubles.report("commits", "busy")
        env.advance(CALM_S / 2)
        troubles.report_ok("commits")
    assert len(said) == 1
    env.advance(CALM_S)
    troubles.report_ok("commits")
    troubles.report("commits", "busy again")
    assert [line.split(":")[0] for line in said[1:]] == [
        "no more trouble with commits",
        "trouble with commits",
    ]


def test_what_is_unready_is_so_from_the_first_failure_until_the_end(
    troubles: Troubles, env: ManualEnv
) -> None:
    assert not any(troubles.unready().values())
    troubles.report("commits", "busy")
    troubles.report("hellos", "a storm")
    assert {name for name, why in troubles.unready().items() if why} == {"commits"}
    troubles.report_ok("commits")
    assert troubles.unready()["commits"] == "busy"
    env.advance(CALM_S)
    troubles.report_ok("commits")
    assert troubles.unready()["commits"] is None


def test_the_document_has_every_trouble_and_says_whether_it_is_ready_meanwhile() -> None:
    chapter = OPERATIONS.read_text().partition("\n## Troubles\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \|[^|]+\| ([^|]+) \| (ready|not ready) \|[^|]+\|$", chapter, re.MULTILINE)
    assert {name: (meanwhile, ready == "not ready") for name, meanwhile, ready in rows} == {
        name: (about.meanwhile, about.unready) for name, about in TROUBLES.items()
    }
