"""The daemon keeps a core of its own, whoever of the generator was bound before it starts."""

from __future__ import annotations

import os

import pytest

from bench import machine
from bench.engine.workers import Load
from bench.server import own_endpoint

needs_two = pytest.mark.skipif(
    machine.daemon_core() is None, reason="there is one core, or no way to bind to it"
)


@needs_two
async def test_a_daemon_that_starts_while_the_generator_is_bound_is_alone_on_its_core_and_a_result_says_so() -> (
    None
):
    before = os.sched_getaffinity(0)
    with machine.generating():
        ours = os.sched_getaffinity(0)
        async with own_endpoint() as there:
            theirs = os.sched_getaffinity(there.own.pid)
            measured = Load(there.own)
            with measured.during():
                pass
    assert len(theirs) == 1
    assert not ours & theirs
    assert os.sched_getaffinity(0) == before
    told = measured.counted()
    assert told["server"]["cores"] == [machine.daemon_core()]
    assert told["generator"]["cores"] == machine.generator_cores()


@needs_two
def test_processes_take_turns_on_the_cores_of_the_generator() -> None:
    found = [machine.generator_core(share) for share in range(2 * len(machine.generator_cores()))]
    assert found == machine.generator_cores() * 2
    assert machine.daemon_core() not in found
