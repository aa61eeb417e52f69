"""The command of the kit: what it prints, the reports it writes, and failures that were expected."""

import json
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from chatd.conformance.commands import main
from tests.conformance.kit_runs import MUTANT, PYTHON

FAILING = f"{MUTANT} no-pong"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a client with a defect: one scenario fails, one passes, one is expected to fail."""
    folder = tmp_path_factory.mktemp("report")
    expected = folder / "expected.txt"
    expected.write_text("# not yet\nany-frame-ends-the-silence msgpack  # later\n")
    options = ["--testee", FAILING, "--expected-failures", str(expected), "--report", str(folder / "out")]
    names = ["ping-is-answered-with-pong", "gap-after-500ms", "any-frame-ends-the-silence", "waits-grow"]
    assert main(["run", *options, "--encoding", "msgpack", *names]) == 1
    return folder / "out"


def test_the_json_has_every_outcome(report: Path) -> None:
    content = json.loads((report / "report.json").read_text())
    outcomes = {each["name"]: each["outcome"] for each in content["scenarios"]}
    assert outcomes == {
        "any-frame-ends-the-silence": "expected",
        "gap-after-500ms": "passed",
        "ping-is-answered-with-pong": "failed",
        "waits-grow": "passed",
    }
    assert content["counts"]["failed"] == 1
    assert content["time"] == "virtual"


def test_the_junit_is_read_by_others(report: Path) -> None:
    suite = ElementTree.fromstring((report / "junit.xml").read_text())
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    (failed,) = suite.iter("failure")
    assert "nothing came" in (failed.text or "")


def test_the_page_needs_nothing_from_elsewhere_and_shows_the_conversation(report: Path) -> None:
    page = (report / "index.html").read_text()
    assert "breaks the protocol" in page
    assert "&quot;type&quot;:&quot;ping&quot;" in page
    for foreign in ("<script", "http://", "https://", "url(", "@import", "<img", "<link"):
        assert foreign not in page


def test_a_transcript_is_written_for_each_and_shown(report: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", str(report / "transcripts" / "gap-after-500ms.msgpack.jsonl")]) == 0
    printed = capsys.readouterr().out
    assert 'C> {"type":"log"' in printed
    assert "+500" in printed


def test_a_listed_failure_that_passes_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listed = tmp_path / "expected.txt"
    listed.write_text("gap-after-500ms\n")
    run = ["run", "--testee", PYTHON, "--encoding", "msgpack", "--expected-failures", str(listed)]
    assert main([*run, "gap-after-500ms"]) == 1
    assert "take it off the list" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("testee", "said"),
    [
        ("no-such-program", "cannot start"),
        (f"{sys.executable} -c pass", "ended before its hello"),
        (f"{sys.executable} -c print(1)", "no object"),
        (f"{sys.executable} -c \"print('x')\"", "no JSON"),
    ],
)
def test_what_is_no_testee_is_said(testee: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "--testee", testee, "gap-after-500ms"]) == 2
    assert said in capsys.readouterr().err


def test_list_and_show_know_every_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    assert len(capsys.readouterr().out.splitlines()) >= 200
    assert main(["list", "--requirements"]) == 0
    rows = [row.split()[0] for row in capsys.readouterr().out.splitlines()]
    assert rows.index("7.7-9") < rows.index("7.7-10")
    assert main(["show", "gap-after-500ms"]) == 0
    assert capsys.readouterr().out.startswith("scenario gap-after-500ms")
    assert main(["show", "nothing-of-this-name"]) == 2
    assert main(["run", "--testee", PYTHON, "nothing-of-this-name"]) == 2
