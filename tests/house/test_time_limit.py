"""A test that hangs fails where it hangs, whatever it hangs in.

Each case has a process of its own: an alarm that comes late would end whatever the worker of these tests does by then.
"""

import subprocess
import sys

import pytest

from tests.kit.newcomer import ROOT

HANGING = """
import asyncio, threading
import pytest, uvloop
from tests.kit import time_limit

async def waits():
    await asyncio.Event().wait()

async def blocks():
    threading.Event().wait()

async def swallows():
    try:
        await waits()
    except asyncio.CancelledError:
        await asyncio.shield(waits())

async def test(hangs):
    time_limit.set_limit(0.05)
    await hangs()

def on(loop_factory, hangs):
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        try:
            runner.run(test(hangs))
        finally:
            time_limit.lift_limit()

def nothing_else():
    time_limit.set_limit(0.05)
    threading.Event().wait()

if "waits" not in "{case}":
    time_limit.AGAIN_S = 2.0
try:
    {case}
except (asyncio.CancelledError, pytest.fail.Exception) as ended:
    time_limit.lift_limit()
    print(type(ended).__name__, ended)
"""


# What swallows the cancellation on uvloop is left to the last resort: it drops what a signal raises while it waits.
@pytest.mark.parametrize(
    ("case", "ends"),
    [
        ("nothing_else()", "Failed"),
        ("on(asyncio.new_event_loop, waits)", "CancelledError"),
        ("on(asyncio.new_event_loop, blocks)", "Failed"),
        ("on(asyncio.new_event_loop, swallows)", "Failed"),
        ("on(uvloop.new_event_loop, waits)", "CancelledError"),
        ("on(uvloop.new_event_loop, blocks)", "Failed"),
    ],
)
def test_what_hangs_is_cancelled_or_interrupted(case: str, ends: str) -> None:
    script = HANGING.format(case=case)
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stdout == f"{ends} no end within 0.05 s\n", ran.stderr
