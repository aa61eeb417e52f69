"""`reconnect`: the daemon is killed under load and everybody comes back: how soon, how complete, and how it felt."""

import argparse
import asyncio
import gc
import random
from contextlib import AsyncExitStack
from typing import Any

from bench import configuration, outcome, printout, progress
from bench import options as common
from bench.client.user import Polite, Rude, UsersState
from bench.codec import ENCODINGS
from bench.endpoint import Endpoint
from bench.engine.run_state import Access, Pacing
from bench.histogram import Histogram
from bench.load import Load
from bench.options import Scenario
from bench.population.storm import AUTHORS, Crowd, Storm, author_numbers, probe_numbers
from bench.rooms import create_direct, create_groups
from bench.server import DaemonDir, daemon_dir, kill


async def run(options: argparse.Namespace) -> int:
    crowd = Crowd(options.clients, options.rooms, options.missed, options.seed)
    with daemon_dir() as here:
        storm, measured = await play(here, crowd, rude=options.rude, encoding=options.encoding)
    result = {**result_of(storm, here, measured), "rude": options.rude, "encoding": options.encoding}
    return outcome.finish(result, text(result, storm), options, clean=storm.state.tally.clean)


async def play(
    here: DaemonDir, crowd: Crowd, *, rude: bool = False, encoding: str = "msgpack"
) -> tuple[Storm, Load]:
    backoff = Rude() if rude else Polite(random.Random(crowd.seed))
    access = Access(here.url, here.secret, encoding, tuple(common.sources(crowd.clients)))
    state = UsersState(access, common.script(crowd.seed), Pacing(0.0, 0.0), backoff=backoff)
    try:
        return await _play(here, crowd, state)
    finally:
        state.poller.close()
        gc.unfreeze()


async def _play(here: DaemonDir, crowd: Crowd, state: UsersState) -> tuple[Storm, Load]:
    user = state.script.user
    async with here.daemon() as daemon:
        there = Endpoint(here.url, here.secret, ENCODINGS[state.access.encoding], daemon)
        owners = [user(number) for number in author_numbers(crowd)]
        members = [list(map(user, clients)) for clients in crowd.clients_of]
        wanted = [(owners[room % AUTHORS], clients) for room, clients in enumerate(members)]
        rooms = await create_groups(there, state.script.run, wanted)
        pairs = [(user(probe), user(other)) for probe, other in probe_numbers(crowd)]
        storm = Storm(state, crowd, rooms, await create_direct(there, state.script.run, pairs))
        within = f"in {len(rooms):,} rooms"
        with progress.shown(lambda: f"gather   {progress.bar(storm.back, crowd.clients)} {within}"):
            await asyncio.to_thread(storm.gather)
        gc.collect()
        gc.freeze()  # the people stay until the end; a full collection need not look at them again
        with progress.shown(lambda: "miss     everybody is away, the rooms go on, the daemon is killed"):
            await asyncio.to_thread(storm.miss, lambda: kill(daemon))
    async with AsyncExitStack() as stack:
        with progress.shown(lambda: f"storm    {progress.bar(storm.back, crowd.clients)} back"):
            enduring = asyncio.create_task(asyncio.to_thread(storm.endure))
            second = await stack.enter_async_context(here.daemon())
            measured = Load(second)
            with measured.during():
                await enduring
                await measured.count_connections()
        with progress.shown(lambda: "compare  everybody with the logs"):
            await asyncio.to_thread(storm.compare)
        kill(second)  # a polite stop would give all these people time to leave
    return storm, measured


def result_of(storm: Storm, here: DaemonDir, measured: Load) -> dict[str, Any]:
    state, crowd = storm.state, storm.crowd
    polite = Histogram.sum(probe.record.acks() for probe in storm.probes)
    lags = Histogram.sum(probe.record.lags for probe in storm.probes).milliseconds()
    polite_ms, share = polite.milliseconds(), measured.generator_cpu_share
    seconds = range(int(storm.complete_s) + 1)
    rows = [{"second": second, "resumed": storm.returned[second]} for second in seconds]
    return {
        "scenario": "reconnect",
        "clients": crowd.clients,
        "rooms_each": crowd.rooms_each,
        "missed_each": crowd.missed,
        "rooms": crowd.rooms,
        "seed": crowd.seed,
        "messages": sum(author.sender.said for author in storm.authors),
        "deliveries": storm.deliveries,
        "deliveries_per_s": round(storm.deliveries / storm.complete_s, 1),
        "complete_s": round(storm.complete_s, 3),
        "ready_s": round(here.ready_s, 3),
        **state.tally.counts(),
        "resume_ms": storm.resumes.milliseconds(),
        "polite_ms": polite_ms,
        "ack_ms": polite_ms,
        "acks_per_s": round(polite.count / storm.complete_s, 1),
        "schedule_lag_ms": lags,
        "generator_bound": printout.generator_bound(share, lags["p99"], polite_ms["p99"]),
        "attempts": state.attempts,
        "refused": dict(state.failures),
        "repaired": state.repaired,
        "sent_again": sum(author.sender.sent_again for author in storm.authors),
        **measured.counted(),
        "timeline": measured.beside(rows, -here.ready_s),
        "histograms": {"resume": storm.resumes.sparse(), "polite": polite.sparse()},
        "config": {"daemon": configuration.of_daemon(measured.daemon)},
        "examples": state.tally.examples,
    }


def text(result: dict[str, Any], storm: Storm) -> list[str]:
    kept = {name: Histogram.from_sparse(slots) for name, slots in result["histograms"].items()}
    rows = {
        "resume": (kept["resume"], "killed to back and complete"),
        "polite send": (kept["polite"], "due to durable, of those who are back, during the storm"),
    }
    backoff = "RUDE, every second" if result["rude"] else "polite, full jitter"
    return [
        f"bench reconnect · {backoff} · {result['encoding']} · seed {result['seed']}",
        f"plan  {result['clients']:,} clients · {result['rooms_each']} rooms each of {storm.crowd.size + 1} members · "
        f"{result['missed_each']} missed messages each · kill -9",
        "",
        *printout.latency_table(rows),
        "",
        f"  back        all complete {result['complete_s']:.2f} s after the kill · "
        f"the daemon was ready after {result['ready_s']:.2f} s",
        f"  per second  {printout.spark([row['resumed'] for row in result['timeline']])}",
        f"  made good   {result['deliveries']:,} messages · {result['repaired']:,} by hello or log · "
        f"sent again {result['sent_again']:,}",
        f"  attempts    {result['attempts']:,}",
        *printout.frequent("refused", storm.state.failures),
        *printout.correctness(storm.state.tally),
        *printout.load(result),
    ]


SCENARIO = Scenario(
    "the daemon is killed under load and everybody comes back: how soon, how complete, and how it felt",
    run,
    f"rooms missed rude seed encoding {common.OUTPUT}",
    {"rooms": 20, "missed": 50},
    {"--clients": {"type": common.count, "default": 1000, "metavar": "N", "help": "who come back (1,000)"}},
)
