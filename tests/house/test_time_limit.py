"""A test that hangs fails where it hangs, whatever it hangs in.

Each case has a process of its own: an alarm that comes late would end whatever the worker of these tests does by then.
"""

import subprocess
import sys

import pytest

from tests.kit.newcomer import ROOT

HANGING = """
import asyncio, signal, threading
import pytest
from tests.kit import time_limit

async def waits():
    await asyncio.Event().wait()

async def blocks():
    threading.Event().wait()

async def test(hangs):
    time_limit.set_limit(0.5)
    await hangs()

def on_a_loop(hangs):
    with asyncio.Runner() as runner:
        try:
            runner.run(test(hangs))
        finally:
            time_limit.lift_limit()

def nothing_else():
    time_limit.set_limit(0.5)
    threading.Event().wait()

if "waits" not in "{case}":
    time_limit.AGAIN_S = 2.0
# A shell that starts the tests in the background has them ignore Ctrl-C.
signal.signal(signal.SIGINT, signal.default_int_handler)
try:
    {case}
except (asyncio.CancelledError, pytest.fail.Exception) as ended:
    time_limit.lift_limit()
    print(type(ended).__name__, ended)
"""


@pytest.mark.parametrize(
    ("case", "ends"),
    [
        ("nothing_else()", "Failed"),
        ("on_a_loop(waits)", "CancelledError"),
        ("on_a_loop(blocks)", "Failed"),
    ],
)
def test_what_hangs_is_cancelled_or_interrupted(case: str, ends: str) -> None:
    script = HANGING.format(case=case)
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ran.stdout == f"{ends} no end within 0.5 s\n", ran.stderr
