"""The report: one HTML file that needs nothing else, from one result or several side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.configuration import changed
from bench.results import curves, reading, tables, verdicts
from bench.results.markup import section, tile
from bench.results.reading import Result
from bench.results.titles import title
from bench.results.wording import worded

# The figures shown in large letters, with the name of what each is of.
_HEADLINES = (
    ("deliveries_per_s", "deliveries", ""),
    ("connects_per_s", "resume_ms", ""),
    ("acks_per_s", "acks", ""),
    ("ack_ms.p99", "ack_ms", " p99"),
    ("delivery_ms.p99", "delivery_ms", " p99"),
    ("page_ms.p99", "page_ms", " p99"),
    ("hello_ms.p99", "hello_ms", " p99"),
    ("complete_s", "all back", ""),
    ("session_bytes", "a session", ""),
    ("knee.rate", "knee", ""),
    ("server.rss_bytes_max", "memory of the server", ""),
)


def write(results: Sequence[Result], out: Path) -> None:
    """Writes the report of at least one result. Raises OSError."""
    out.write_text(page(results), "utf-8")


def page(results: Sequence[Result]) -> str:
    """The report as text."""
    style = Path(__file__).with_name("page.css").read_text("utf-8")
    names = _names(results)
    head = " · ".join(dict.fromkeys(str(result["scenario"]) for result in results))
    sections = (
        f'<div class="tiles">{verdicts.tiles(results)}{_headlines(results[0])}</div>',
        verdicts.details(results, names),
        tables.goals(results),
        curves.charts(results, names),
        tables.beside(results),
        tables.figures(results, names),
        _origin(results, names),
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>chatd bench: {escape(head)}</title><style>{style}</style></head><body><main>"
        f'<h1>{escape(head)}</h1><p class="sub">{escape(_subtitle(results))}</p>{"".join(sections)}'
        "</main></body></html>\n"
    )


def _names(results: Sequence[Result]) -> list[str]:
    """A name for each, told apart by a number where two are called the same."""
    plain = [reading.name(result) for result in results]
    return [f"{name} {place}" if plain.count(name) > 1 else name for place, name in enumerate(plain, 1)]


def _subtitle(results: Sequence[Result]) -> str:
    machine: Mapping[str, Any] = results[0].get("environment", {})
    words = [f"chatd {machine['chatd']}"] if "chatd" in machine else []
    words += [f"Python {machine['python']}"] if "python" in machine else []
    words += [f"{machine['cpus']} cores"] if "cpus" in machine else []
    return " · ".join(
        [*words, str(machine.get("platform", "")), f"{len(results)} result{'s'[: len(results) > 1]}"]
    )


def _headlines(result: Result) -> str:
    """The figures one looks for first."""
    known, scenario = reading.figures(result), str(result["scenario"])
    return "".join(
        tile(worded(key, known[key]), title(scenario, name) + suffix)
        for key, name, suffix in _HEADLINES
        if known.get(key)
    )


def _told(result: Result) -> dict[str, Any]:
    """What is worth a look; the result file has all settings."""
    config: Mapping[str, Any] = result.get("config") or {}
    told = {key: result.get(key) for key in ("command", "seed")}
    told |= {"daemon, beyond the defaults": changed(config.get("daemon", {}))}
    told |= {"generator": config.get("generator"), "environment": result.get("environment")}
    return {key: value for key, value in told.items() if value}


def _origin(results: Sequence[Result], names: Sequence[str]) -> str:
    """How each was made: command, configuration, machine."""
    parts = []
    for result, name in zip(results, names, strict=True):
        text = escape(json.dumps(_told(result), indent=2, ensure_ascii=False))
        parts.append(f"<details><summary>{escape(name)}</summary><pre>{text}</pre></details>")
    return section("How it was made", "".join(parts))
