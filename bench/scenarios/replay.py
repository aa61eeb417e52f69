"""`replay`: plays a chat trace, one connection a person, cuts some, and compares all replicas at the end."""

import argparse
import asyncio
import random
import secrets
from pathlib import Path
from typing import Any

from bench import configuration, outcome, printout, progress
from bench import options as common
from bench.client.user import Polite, UsersState
from bench.endpoint import Endpoint, open_endpoint
from bench.engine.run_state import Pacing
from bench.load import Load
from bench.options import Scenario
from bench.population.replay import WINDOW, Plan, Replay, TraceScript
from bench.rooms import create_group
from bench.trace import Trace, load

HURRY = 10.0  # times as fast as a phone comes back, so that more of the traffic meets one that returns


async def run(options: argparse.Namespace) -> int:
    trace = load(options.trace)
    async with open_endpoint(options) as there:
        result, seen = await play(there, trace, Plan(options.speed, options.flap, options.seed))
    return outcome.finish(result, _text(seen, result), options, clean=seen.state.tally.clean)


async def play(there: Endpoint, trace: Trace, plan: Plan) -> tuple[dict[str, Any], Replay]:
    run = secrets.token_hex(4)  # never the same twice: a daemon at a URL may still have the last run
    rooms = {
        title: await create_group(there, f"{run}-{number}", title, members)
        for number, (title, members) in enumerate(trace.members.items())
    }
    state = UsersState(
        common.access(there),
        TraceScript(run[: common.RUN_CHARS], plan.seed, trace=trace),
        Pacing(0.0, 0.0),
        backoff=Polite(random.Random(plan.seed), HURRY),
        strict=False,
    )
    replay, measured = Replay(state, trace, plan, rooms), Load(there.daemon)

    def replayed() -> str:
        done = progress.bar(state.answered, len(trace.messages))
        return f"replay   {done} acknowledged · {replay.received:,} received · {state.resumes:,} resumes"

    try:
        with progress.shown(lambda: f"connect  {progress.bar(replay.online, len(replay.people))}"):
            await asyncio.to_thread(replay.gather)
        await measured.count_connections()
        with measured.during(), progress.shown(replayed):
            await asyncio.to_thread(replay.perform)
        with progress.shown(lambda: "compare  every replica with the log, the log with the trace"):
            await asyncio.to_thread(replay.compare)
    finally:
        state.poller.close()
    return _result(replay, there, measured), replay


def _result(replay: Replay, there: Endpoint, measured: Load) -> dict[str, Any]:
    state, trace, plan, seconds = replay.state, replay.trace, replay.plan, replay.seconds
    acks, deliveries = state.record.acks(), state.record.deliveries()
    timed = {"ack": acks, "delivery": deliveries, "repair": state.repairs}
    timed |= {"resume": state.record.resumes, "connect": state.connects}
    lags, share = state.record.lags.milliseconds(), measured.generator_cpu_share
    return {
        "scenario": "replay",
        "trace": trace.name,
        "mending": list(trace.mending),
        "speed": plan.speed or "max",
        "window": None if plan.speed else WINDOW,
        "flap": plan.flap,
        "seed": plan.seed,
        "encoding": there.encoding.name,
        "url": None if there.daemon is not None else there.url,
        "messages": len(trace.messages),
        "users": len(trace.users),
        "rooms": {room: len(members) for room, members in trace.members.items()},
        "seconds": round(seconds, 3),
        "deliveries": replay.deliveries,
        "deliveries_wanted": trace.deliveries,
        "pushes": state.pushes,
        "repaired": state.repaired,
        **state.tally.counts(),
        "cuts": replay.cuts,
        "resumes": state.resumes,
        "sent_again": sum(one.sent_again for person in replay.people.values() for one in person.senders),
        "ended_otherwise": dict(state.ended),
        "refused": dict(state.failures),
        "acks_per_s": round(acks.count / seconds, 1),
        "deliveries_per_s": round(replay.deliveries / seconds, 1),
        **{f"{name}_ms": histogram.milliseconds() for name, histogram in timed.items()},
        "schedule_lag_ms": lags,
        "generator_bound": printout.generator_bound(share, lags["p99"], deliveries.milliseconds()["p99"]),
        **measured.counted(),
        "timeline": measured.beside(outcome.timeline(state.record, seconds)),
        "histograms": {name: histogram.sparse() for name, histogram in timed.items()},
        "config": {"daemon": configuration.of_daemon(there.daemon, there.url)},
        "examples": state.tally.examples,
    }


def _text(replay: Replay, result: dict[str, Any]) -> list[str]:
    state, trace, plan, seconds = replay.state, replay.trace, replay.plan, replay.seconds
    start = "due" if plan.speed else "sent"
    paced = f"open loop, {plan.speed:g} times real time" if plan.speed else ""
    sizes = ", ".join(f"{len(members):,}" for members in trace.members.values())
    people = f"{len(trace.messages):,} messages · {len(trace.users):,} people · {len(trace.members)} rooms"
    rows = {
        "connect": (state.connects, "dial to hello answered"),
        "ack": (state.record.acks(), f"{start} to durable"),
        "delivery": (state.record.deliveries(), f"{start} to received live"),
        "repair": (state.repairs, "the same, of what came by hello or log"),
        "resume": (state.record.resumes, "cut to everything repaired"),
    }
    lines = [
        f"bench replay · {trace.name} · {paced or f'closed loop, at most {WINDOW} unacknowledged'} · "
        f"{result['encoding']} · seed {result['seed']}",
        f"plan  {people} ({sizes} members) · flap {plan.flap:g}",
        "",
        *printout.latency_table(rows),
        "",
        f"  throughput  {result['messages'] / seconds:,.0f} messages/s · "
        f"{result['deliveries'] / seconds:,.0f} deliveries/s · {seconds:.1f} s in all",
        f"  delivered   {result['deliveries']:,} of {trace.deliveries:,} · "
        f"{state.repaired:,} of them by hello or log, the others in {state.pushes:,} pushes",
        f"  links       cut {replay.cuts:,} · resumes {state.resumes:,} · "
        f"messages sent again {result['sent_again']:,}",
    ]
    lines += printout.frequent("ended", state.ended) + printout.frequent("refused", state.failures)
    return [*lines, *printout.correctness(state.tally), *printout.load(result)]


SCENARIO = Scenario(
    "plays a chat trace, one connection a person, cuts some, and compares all replicas at the end",
    run,
    f"speed flap seed {common.ENDPOINT} {common.OUTPUT}",
    own={
        "trace": {
            "type": Path,
            "help": "JSON lines with ts, room, user, text; gzip accepted; - is standard input",
        }
    },
)
