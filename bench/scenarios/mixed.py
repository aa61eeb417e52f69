"""`mixed`: a population from a file: rooms of many sizes, people who write, read, type and lose connections."""

from __future__ import annotations

import argparse
import asyncio
import random
from pathlib import Path
from typing import Any

from bench import options as common
from bench import outcome, progress, target
from bench.engine.pump import Pump
from bench.engine.script import Script
from bench.engine.stage import Pacing, Report
from bench.load import Load
from bench.population.settings import Population, read
from bench.population.town import Town
from bench.storm.manners import Polite
from bench.storm.visit import Stage
from bench.target import Target


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `mixed`."""
    parser.add_argument("file", type=Path, help="the population, as bench/examples/town.toml")
    common.add_length(parser)
    common.add_seed(parser)
    target.add_arguments(parser)
    common.add_output(parser)


async def run(options: argparse.Namespace) -> int:
    """Measures, prints the report, writes the result."""
    population = read(options.file, options.seed)
    rate = population.rates["messages"]
    pacing = Pacing(options.duration, options.warmup, rate=rate, seed=options.seed)
    async with target.open_target(options) as there:
        result, seen = await play(there, common.script(options), pacing, population)
    return outcome.finish(result, text(result, seen, population), options, clean=seen.tally.clean)


async def play(
    there: Target, script: Script, pacing: Pacing, population: Population
) -> tuple[dict[str, Any], Report]:
    """The population lives: the result and what it is made of."""
    pump, measured = Pump(), Load(there.daemon)
    manners = Polite(random.Random(population.seed))
    town = Town(Stage(pump, common.access(there, population.people), script, manners), population, pacing)
    try:
        with progress.shown(
            lambda: f"enter    {progress.bar(town.present, len(population.rooms_of))} people"
        ):
            await asyncio.to_thread(town.gather)
        await measured.count_connections()
        with measured.during(), progress.shown(lambda: f"live     {town.record.messages:,} messages"):
            await asyncio.to_thread(town.live)
        with progress.shown(lambda: "compare  everybody with the logs"):
            seen = await asyncio.to_thread(town.compare)
    finally:
        pump.close()
    result = outcome.of("mixed", seen, measured, there, pacing)
    sizes = [{"people": size.people, "rooms": size.rooms, "direct": size.direct} for size in population.sizes]
    return {**result, "people": len(population.rooms_of), "rooms": sizes, "done": dict(town.done)}, seen


def text(result: dict[str, Any], seen: Report, population: Population) -> list[str]:
    """The report as lines."""
    rooms = " + ".join(
        f"{size.rooms} x {'2 (direct)' if size.direct else size.people}" for size in population.sizes
    )
    done = " · ".join(f"{kind} {count:,}" for kind, count in sorted(result["done"].items()))
    plan = f"{result['people']:,} people in rooms of {rooms}"
    lines = outcome.text(result, plan, seen, resumed="cut to hello answered")
    return [*lines, *([f"  besides     {done}"] if done else [])]
