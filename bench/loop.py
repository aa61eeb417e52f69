"""Runs a scenario: on uvloop where it is installed, with as many open files as the system allows."""

import asyncio
import resource
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

Result = TypeVar("Result")


def run(scenario: Coroutine[Any, Any, Result]) -> Result:
    """Run `scenario` to its end and return its result."""
    allow_files()
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(scenario)


def allow_files() -> None:
    _, allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    try:
        import uvloop
    except ImportError:  # the generator is slower then, nothing else changes
        return asyncio.new_event_loop
    return uvloop.new_event_loop
