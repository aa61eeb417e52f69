"""The report of a run: lines for a person, JSON, JUnit, transcripts, and one page that needs nothing else."""

import json
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

from .codec import bytes_as_json
from .page import page
from .runner import Outcome, Report

LETTERS = {"passed": ".", "failed": "F", "skipped": "s", "expected": "x", "surprise": "P"}


def summary(report: Report) -> str:
    """Return the last line of a run."""
    counts = [f"{count} {word}" for word in LETTERS if (count := report.count(word))]
    clock = "a virtual clock" if report.virtual else "a real clock"
    return f"{report.client}: {', '.join(counts) or 'nothing to do'} in {report.took_s:.1f} s, on {clock}"


def failure(outcome: Outcome) -> str:
    """Return a failed outcome for a person."""
    about = f"\n  {outcome.scenario.about}" if outcome.scenario.about else ""
    why = outcome.why.replace("\n", "\n  ")
    return f"FAILED {outcome.scenario.name} ({outcome.encoding}){about}\n  {why}"


def write(report: Report, folder: Path) -> None:
    """Write report.json, junit.xml, index.html and transcripts/ into a folder."""
    transcripts = folder / "transcripts"
    transcripts.mkdir(parents=True, exist_ok=True)
    for outcome in report.outcomes:
        if outcome.run is not None:
            lines = [
                json.dumps(entry, ensure_ascii=False, default=bytes_as_json)
                for entry in outcome.run.transcript
            ]
            (transcripts / f"{name(outcome)}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "report.json").write_text(
        json.dumps(as_json(report), indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / "junit.xml").write_text(as_junit(report), encoding="utf-8")
    (folder / "index.html").write_text(page(report), encoding="utf-8")


def name(outcome: Outcome) -> str:
    """Return the name of an outcome: that of its scenario, and the encoding."""
    return f"{outcome.scenario.name}.{outcome.encoding}"


def as_json(report: Report) -> dict[str, object]:
    """Return the report as the JSON that other programs read."""
    return {
        "client": report.client,
        "time": "virtual" if report.virtual else "real",
        "seconds": round(report.took_s, 3),
        "counts": {word: report.count(word) for word in LETTERS},
        "scenarios": [
            {
                "name": outcome.scenario.name,
                "encoding": outcome.encoding,
                "proves": list(outcome.scenario.proves),
                "outcome": outcome.word,
                **({"seconds": round(outcome.run.took_s, 3)} if outcome.run else {}),
                **({"why": outcome.why} if outcome.why else {}),
            }
            for outcome in report.outcomes
        ],
    }


def as_junit(report: Report) -> str:
    """Return the report as JUnit XML: a case for each scenario and encoding."""
    cases = [_case(outcome) for outcome in report.outcomes]
    failures = report.count("failed") + report.count("surprise")
    head = (
        f'<testsuite name="chatd conformance" tests="{len(cases)}" failures="{failures}" '
        f'skipped="{report.count("skipped")}" time="{report.took_s:.3f}">'
    )
    return "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *cases, "</testsuite>", ""])


def _case(outcome: Outcome) -> str:
    seconds = outcome.run.took_s if outcome.run is not None else 0.0
    place = f"classname={quoteattr(outcome.encoding)} name={quoteattr(outcome.scenario.name)}"
    case = f'<testcase {place} time="{seconds:.3f}"'
    if outcome.word in ("passed", "expected"):
        return f" {case}/>"
    if outcome.word == "skipped":
        return f" {case}><skipped message={quoteattr(outcome.why)}/></testcase>"
    first = outcome.why.splitlines()[0]
    return (
        f" {case}><failure message={quoteattr(first)}>{escape(_printable(outcome.why))}</failure></testcase>"
    )


def _printable(text: str) -> str:
    """Return text without characters that XML does not have."""
    return "".join(sign if sign.isprintable() or sign in "\n\t" else "?" for sign in text)
