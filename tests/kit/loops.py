"""Both event loops: a conftest that imports the hook runs every asynchronous test of its folder on each."""

import asyncio
from collections.abc import Callable, Collection, Mapping

import pytest
import uvloop

from tests.kit.soak import SOAKING

__all__ = ["loops_of", "pytest_asyncio_loop_factories"]

Loops = Mapping[str, Callable[[], asyncio.AbstractEventLoop]]

LOOPS: Loops = {"asyncio": asyncio.SelectorEventLoop, "uvloop": uvloop.new_event_loop}


def pytest_asyncio_loop_factories() -> Loops:
    return LOOPS


def loops_of(item: pytest.Item, files: Collection[str]) -> Loops:
    """Return both loops for a test of these files, or one that names its loops; else the one that daemons prefer.

    In a soak every test has both.
    """
    named = any("loop_factories" in marker.kwargs for marker in item.iter_markers("asyncio"))
    both = SOAKING or named or item.path.stem in files
    return LOOPS if both else {"uvloop": LOOPS["uvloop"]}
