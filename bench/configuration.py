"""The settings in force in the daemon, the options of the generator, and the machine of a run."""

import argparse
import importlib.metadata
import json
import os
import platform
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.results import Threshold
from bench.server import Daemon

_ASK_S = 20.0  # for the daemon's own command to say what is in force
_HOW = ("command", "scenario")  # these stand by themselves
# On the hot path.
_LIBRARIES = "uvloop", "uvicorn", "httptools", "websockets", "msgspec", "msgpack", "aiosqlite"


def environment() -> dict[str, Any]:
    return {
        "chatd": importlib.metadata.version("chatd"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "cpu": _first("/proc/cpuinfo", "model name"),
        "memory": _first("/proc/meminfo", "MemTotal"),
        "sqlite": sqlite3.sqlite_version,
        "libraries": {name: _version(name) for name in _LIBRARIES},
    }


def _first(path: str, field: str) -> str:
    """A field that a file of /proc has of the machine; empty where there is none."""
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(field)), "")


def _version(library: str) -> str:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def of_daemon(daemon: Daemon | None, url: str = "") -> dict[str, Any]:
    """Every setting with its origin, as `chatd config show` has it, without secrets; of one at a URL just that."""
    if daemon is None:
        return {"url": url}
    return _in_force(tuple(daemon.environment.items())) if daemon.environment else {}


def of_generator(options: argparse.Namespace) -> dict[str, str]:
    told = {name: value for name, value in vars(options).items() if name not in _HOW}
    return {name: _word(value) for name, value in told.items() if value not in (None, [], False)}


def _word(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(_word, value))
    return value.text if isinstance(value, Threshold) else str(value)


def changed(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Of the settings of a daemon the values that are not the default."""
    return {
        name: one["value"] if isinstance(one, Mapping) else one
        for name, one in settings.items()
        if not isinstance(one, Mapping) or one["origin"] != "default"
    }


@lru_cache(maxsize=8)  # a run asks for the same daemon several times
def _in_force(environment: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CHATD_")}
    asked = subprocess.run(
        [sys.executable, "-m", "chatd", "config", "show", "--json"],
        env={**inherited, **dict(environment)},
        capture_output=True,
        text=True,
        timeout=_ASK_S,
        check=False,
    )
    if asked.returncode:  # what was measured is worth more than its configuration
        return {"not told": asked.stderr.strip()}
    return dict(json.loads(asked.stdout))
