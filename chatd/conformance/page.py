"""The page of a report: one file of HTML and CSS, without scripts, and nothing from anywhere else."""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from .packets import Packet
from .runner import Outcome, Report
from .values import show

STYLE = Path(__file__).parent / "page.css"

CHAPTERS = {
    "2": "Transport and encoding",
    "3": "Envelope",
    "4": "Identifiers and counters",
    "5": "Objects",
    "6": "Connection life cycle",
    "7": "Delivery and gap repair",
    "8": "Reading history",
    "9": "Writing",
    "10": "Read state, receipts, typing, presence",
    "11": "Rooms and members",
    "12": "Limits, rates and slow connections",
    "13": "Flows",
    "14": "Rules for mobile clients",
    "15": "Close codes",
    "16": "Error codes",
    "20": "People",
}
"""The chapters of protocol.md that say what a client does."""

WORDS = {
    "passed": "passed",
    "failed": "failed",
    "skipped": "left out",
    "expected": "failed, as expected",
    "surprise": "passed, and should not",
}
WRONG = "What went wrong"
OPENED = 3
"""Failures that stand open: more would be a wall."""

CODE = re.compile("`([^`]+)`")
LINES_MAX = 200
"""Lines of a transcript on the page: the whole one is in its file."""


def page(report: Report) -> str:
    """Return the page."""
    verdict = "obeys the protocol" if report.good else "breaks the protocol"
    clock = "virtual clock" if report.virtual else "real clock"
    counts = "".join(
        f'<div class="tile {word}"><b>{count}</b> {WORDS[word]}</div>'
        for word in WORDS
        if (count := report.count(word))
    )
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width,initial-scale=1">',
            f"<title>{escape(report.client)}: {verdict}</title>",
            f"<style>{STYLE.read_text(encoding='utf-8')}</style></head><body>",
            f'<header class="{"good" if report.good else "bad"}"><p>chatd conformance</p>',
            f"<h1>{escape(report.client)} <span>{verdict}</span></h1>",
            f'<div class="tiles">{counts}<div class="tile"><b>{report.took_s:.1f} s</b> on a {clock}</div></div>',
            "</header>",
            "<main>",
            *(_section(title, outcomes) for title, outcomes in _chapters(report.outcomes)),
            "</main></body></html>",
            "",
        ]
    )


def _chapters(outcomes: Iterable[Outcome]) -> list[tuple[str, list[Outcome]]]:
    """Return the outcomes by chapter of what they prove first; what went wrong stands before all."""
    wrong = [outcome for outcome in outcomes if not outcome.good]
    found = [(WRONG, wrong)] if wrong else []
    by_chapter: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        first = (outcome.scenario.proves or ("",))[0].partition(".")[0].partition("-")[0]
        by_chapter.setdefault(first if first in CHAPTERS else "", []).append(outcome)
    known = [
        (f"{number} {title}", by_chapter[number])
        for number, title in CHAPTERS.items()
        if number in by_chapter
    ]
    return found + known + ([("Other", by_chapter[""])] if "" in by_chapter else [])


def _section(title: str, outcomes: list[Outcome]) -> str:
    wrong = title == WRONG
    rows = "".join(
        _row(outcome, shown=wrong, opened=wrong and place < OPENED) for place, outcome in enumerate(outcomes)
    )
    count = f"{len(outcomes)}" if wrong else f"{sum(outcome.good for outcome in outcomes)} of {len(outcomes)}"
    return f"<section><h2>{escape(title)} <small>{count}</small></h2>{rows}</section>"


def _row(outcome: Outcome, *, shown: bool, opened: bool) -> str:
    """`shown`: with its transcript; `opened`: to be read without a click."""
    scenario = outcome.scenario
    about = CODE.sub(r"<code>\1</code>", escape(scenario.about))
    took = f"{1000 * outcome.run.took_s:.0f} ms" if outcome.run else ""
    head = (
        f'<summary><i class="{outcome.word}" title="{WORDS[outcome.word]}"></i><code>{escape(scenario.name)}</code>'
        f"<span>{about}</span><em>{outcome.encoding}</em><time>{took}</time></summary>"
    )
    proves = "".join(f"<kbd>{escape(each)}</kbd>" for each in scenario.proves)
    facts = f'<p class="facts">{WORDS[outcome.word]} · proves {proves or "nothing"} · {escape(str(scenario.where))}</p>'
    why = f'<pre class="why">{escape(outcome.why)}</pre>' if outcome.why else ""
    talk = _transcript(outcome.run.transcript) if outcome.run is not None and shown else ""
    return f"<details{' open' if opened else ''}>{head}{facts}{why}{talk}</details>"


def _transcript(entries: list[Packet]) -> str:
    rows = "".join(_line(entry) for entry in entries[:LINES_MAX])
    left = len(entries) - LINES_MAX
    more = f"<tr><td></td><td></td><td>… and {left} more in its transcript</td></tr>" if left > 0 else ""
    return f'<table class="talk">{rows}{more}</table>'


def _line(entry: Packet) -> str:
    packets = entry.get("packets", ())
    if packets:
        said = "<br>".join(escape(show(packet)) for packet in packets)
    else:
        said = escape(
            " ".join(f"{key} {show(value)}" for key, value in entry.items() if key not in ("t", "dir", "hex"))
        )
    sides = {"C>": "client", "S>": "server"}
    side = sides.get(entry["dir"], "other")
    return (
        f'<tr class="{side}"><td>{entry["t"]:.0f} ms</td><td>{escape(entry["dir"])}</td><td>{said}</td></tr>'
    )
