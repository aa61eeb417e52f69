"""`mixed`: a population from a file: rooms of many sizes, people who write, read, type and lose connections."""

import argparse
import asyncio
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import options as common
from bench import outcome, progress
from bench.client.user import Polite, UsersState
from bench.endpoint import Endpoint, open_endpoint
from bench.engine.run_state import Pacing, Report
from bench.engine.script import Script
from bench.load import Load
from bench.options import Scenario
from bench.outcome import Played
from bench.population.population_run import Population, PopulationRun, read
from bench.rooms import create_direct, create_groups


async def run(options: argparse.Namespace) -> int:
    population = read(options.file, options.seed)
    rate = population.rates["messages"]
    pacing = Pacing(options.duration, options.warmup, rate=rate, seed=options.seed)
    async with open_endpoint(options) as there:
        result, seen = await play(there, common.script(options.seed), pacing, population)
    return outcome.finish(result, text(result, seen, population), options, clean=seen.tally.clean)


async def play(there: Endpoint, script: Script, pacing: Pacing, population: Population) -> Played:
    rooms, measured = await _make_rooms(there, script, population), Load(there.daemon)
    access = common.access(there, population.people)
    state = UsersState(access, script, pacing, backoff=Polite(random.Random(population.seed)))
    life = PopulationRun(state, population, rooms)
    try:
        with progress.shown(lambda: f"enter    {progress.bar(life.present, len(life.users))} people"):
            await asyncio.to_thread(life.gather)
        await measured.count_connections()
        with measured.during(), progress.shown(lambda: f"live     {state.record.messages:,} messages"):
            await asyncio.to_thread(life.live)
        with progress.shown(lambda: "compare  everybody with the logs"):
            seen = await asyncio.to_thread(life.compare)
    finally:
        state.poller.close()
    sizes = list(map(asdict, population.sizes))
    more = {"people": len(population.rooms_of), "rooms": sizes, "done": dict(life.done)}
    return outcome.of("mixed", seen, measured, there, pacing) | more, seen


async def _make_rooms(there: Endpoint, script: Script, population: Population) -> list[str]:
    """The rooms of the population, in order; its founder makes the groups, one of each pair their room."""
    named = [list(map(script.user, members)) for members in population.members_of]
    kinds = list(zip(named, population.direct, strict=True))
    founder = script.user(population.people)
    wanted = [(founder, names) for names, direct in kinds if not direct]
    groups = iter(await create_groups(there, script.run, wanted))
    pairs = [(names[0], names[1]) for names, direct in kinds if direct]
    directs = iter(await create_direct(there, script.run, pairs))
    return [next(directs if direct else groups) for _, direct in kinds]


def text(result: dict[str, Any], seen: Report, population: Population) -> list[str]:
    sizes = population.sizes
    rooms = " + ".join(f"{one.rooms} x {'2 (direct)' if one.direct else one.people}" for one in sizes)
    done = " · ".join(f"{kind} {count:,}" for kind, count in sorted(result["done"].items()))
    plan = f"{result['people']:,} people in rooms of {rooms}"
    lines = outcome.text(result, plan, seen, resumed="cut to hello answered")
    return [*lines, *([f"  besides     {done}"] if done else [])]


SCENARIO = Scenario(
    "a population from a file: rooms of many sizes, people who write, read, type and lose connections",
    run,
    f"{common.LENGTH} seed {common.ENDPOINT} {common.OUTPUT}",
    own={"file": {"type": Path, "help": "the population, as bench/examples/town.toml"}},
)
