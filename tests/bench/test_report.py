"""Result files read back and drawn."""

from __future__ import annotations

import doctest
import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from bench import __main__ as command
from bench import printout
from bench import results as reading
from bench.histogram import Histogram
from bench.report import page, picture


def result(p99: float = 4.0, **more: Any) -> dict[str, Any]:
    latency = {"count": 100, "p50": 1.0, "p90": 2.0, "p99": p99, "p99_9": p99 * 2, "max": p99 * 3}
    seconds = [{"second": place, "acks": 10 + place % 2, "ack_ms": latency} for place in range(8)]
    return {
        "scenario": "fanout",
        "seed": 1,
        "messages": 100,
        "acks_per_s": 10.0,
        "lost": 0,
        "ack_ms": latency,
        "timeline": seconds,
        "command": "bench <fanout>",
        **more,
    }


def file_of(directory: Path, name: str, content: Any) -> Path:
    path = directory / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


class Outline(HTMLParser):
    """What a page consists of; every tag has to be closed in its turn."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "path", "circle", "polyline"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("path", "circle", "polyline"):
            assert self.open.pop() == tag


@pytest.mark.parametrize("module", [picture, printout])
def test_the_examples_in_the_documentation_hold(module: Any) -> None:
    failed, tried = doctest.testmod(module)
    assert (failed, tried > 0) == (0, True)


def test_figures_have_dotted_names_and_no_series() -> None:
    figures = reading.figures(result(server={"cpu_s": 1.5}, resume_ms={"count": 0, "p50": 0.0}))
    assert figures["server.cpu_s"] == 1.5
    assert figures["ack_ms.p99"] == 4.0
    assert not [name for name in figures if name.startswith(("timeline", "seed", "resume_ms", "environment"))]


@pytest.mark.parametrize("content", ["{", "[1]", '{"a": 1}', '"fanout"'])
def test_a_file_that_is_no_result_is_refused(tmp_path: Path, content: str) -> None:
    with pytest.raises(reading.Unreadable, match=r"x\.json"):
        reading.read(file_of(tmp_path, "x.json", content))


def test_a_directory_is_all_its_results_and_an_empty_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(reading.Unreadable, match="no results"):
        reading.read(tmp_path)
    file_of(tmp_path, "b.json", result(2.0))
    file_of(tmp_path, "a.json", [result(1.0), result(3.0)])
    assert [one["ack_ms"]["p99"] for one in reading.read(tmp_path)] == [1.0, 3.0, 2.0]


def test_a_curve_comes_from_the_histogram_when_there_is_one() -> None:
    histogram = Histogram.of(range(1_000_000, 2_000_000, 1000))
    drawn = reading.curves(result(histograms={"ack": histogram.sparse()}))["ack_ms"]
    assert len(drawn) > 20
    assert drawn == sorted(drawn)
    assert max(percent for percent, _ in drawn) < 99.95  # a thousand values tell nothing beyond
    assert len(reading.curves(result())["ack_ms"]) == 4


def test_a_page_is_one_closed_document_without_resources() -> None:
    for results in ([result()], [result(), result(9.0, lost=3)]):
        outline = Outline(page.page(results))
        assert outline.open == []
        assert outline.links == []
        assert outline.tags.count("svg") >= 2
        assert not {"script", "link", "img", "iframe"} & set(outline.tags)


def test_a_page_shows_faults_and_escapes_what_it_was_told() -> None:
    text = page.page([result(), result(lost=3, examples=["lost: k1 by <ann>"])])
    assert "FAIL" in text
    assert "lost: k1 by &lt;ann&gt;" in text
    assert "bench &lt;fanout&gt;" in text
    assert "PASS" in page.page([result()])


def test_report_writes_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = file_of(tmp_path, "a.json", [result(4), result(5)])
    out = tmp_path / "report.html"
    assert command.main(["report", str(one), "--html", str(out)]) == 0
    assert "2 results" in capsys.readouterr().out
    assert Outline(out.read_text()).tags[0] == "html"


def beside(**rates: float) -> list[dict[str, Any]]:
    """What `floor` and `peers` write, as far as a picture needs it."""
    latency = {"count": 100, "p50": 1.0, "p90": 2.0, "p99": 4.0, "p99_9": 8.0, "max": 9.0}
    paced = {"delivery_ms": latency, "deliveries_per_s": 1.0}
    floor = {
        "scenario": "floor",
        "rate": 20.0,
        "floor": {"push saturated": {"deliveries_per_s": 3.0}, "push at the rate": paced},
        "chatd": {"chatd at the rate": paced},
    }
    rows = {name: {"deliveries_per_s": rate} for name, rate in rates.items()} | {"ejabberd": {"absent": "x"}}
    return [floor, {"scenario": "peers", "members": 10, "senders": 2, "peers": rows}]


def test_a_picture_shows_who_was_measured_the_quickest_first(tmp_path: Path) -> None:
    results = beside(chatd=9e6, slow=2.0)
    assert [bar.name for bar in picture.bars_of(results)] == ["chatd", "floor: one write each", "slow"]
    assert list(picture.lines_of(results)) == ["chatd", "floor"]
    files = [str(file_of(tmp_path, f"{place}.json", one)) for place, one in enumerate(results)]
    out = tmp_path / "fanout.svg"
    assert command.main(["report", *files, "--svg", str(out)]) == 0
    drawn = ElementTree.fromstring(out.read_text())
    said = "".join(drawn.itertext())
    assert "9.00 M" in said
    assert "ejabberd" not in said


def test_a_picture_of_one_side_alone_is_refused(tmp_path: Path) -> None:
    for place, one in enumerate(beside(chatd=1.0)):
        file = file_of(tmp_path, f"{place}.json", one)
        assert command.main(["report", str(file), "--svg", str(tmp_path / "out.svg")]) == 2
    assert not (tmp_path / "out.svg").exists()


def test_a_picture_takes_no_peers_that_were_measured_at_a_rate(tmp_path: Path) -> None:
    floor, peers = beside(chatd=20.0, nats=20.0)
    paced = {**peers, "rate": 20.0}
    assert [bar.name for bar in picture.bars_of([floor, paced])] == ["floor: one write each"]
    with pytest.raises(reading.Unreadable, match="peers --closed"):
        picture.picture([floor, paced])


def test_a_picture_says_what_is_wrong_with_a_run() -> None:
    floor, peers = beside(chatd=9e6, slow=2.0)
    peers["peers"]["slow"] |= {"lost": 7, "generator_bound": True}
    said = "".join(ElementTree.fromstring(picture.picture([floor, peers])).itertext())
    assert "lost 7, generator-bound" in said
    assert "all delivered" not in said
    floor["chatd"]["chatd at the rate"]["generator_bound"] = True
    assert "chatd (generator-bound)" in picture.lines_of([floor])


def test_a_picture_without_a_latency_is_refused() -> None:
    floor, peers = beside(chatd=9e6)
    floor["floor"].pop("push at the rate")
    floor["chatd"].clear()
    with pytest.raises(reading.Unreadable, match="floor"):
        picture.picture([floor, peers])


def test_a_picture_of_clean_runs_says_that_all_was_delivered() -> None:
    said = "".join(ElementTree.fromstring(picture.picture(beside(chatd=9e6))).itertext())
    assert "all delivered" in said
    assert "generator-bound" not in said


def second(place: int, acks: int) -> dict[str, Any]:
    latency = {"count": acks, "p50": 1.0, "p99": 4.0} if acks else {"count": 0, "p50": 0.0, "p99": 0.0}
    return {"second": place, "acks": acks, "ack_ms": latency}


# One second is not in the file at all, in another one nothing happened.
DEAD_SECONDS = [second(0, 9), second(1, 8), second(3, 0), second(4, 7), second(5, 9)]


def test_a_second_in_which_nothing_happened_is_a_value_of_its_own() -> None:
    series = reading.timeline(result(timeline=DEAD_SECONDS))
    assert series["acks"] == [9, 8, 0, 0, 7, 9]
    assert series["ack_ms.p99"] == [4, 4, None, None, 4, 4]


def test_a_stall_breaks_the_curve_and_leaves_the_counts_at_nothing() -> None:
    text = page.page([result(timeline=DEAD_SECONDS)])
    charts = {card.partition("</h2>")[0]: card for card in text.split("<h2>")}
    assert charts["p99 of every second"].count("<polyline") == 2
    assert charts["Of every second"].count("<polyline") == 1


def test_results_stand_side_by_side_with_what_changed() -> None:
    text = page.page([result(4.0), result(6.0)])
    assert "<td>ack_ms.p99</td><td>4.00 ms</td><td>6.00 ms +50%</td>" in text


def test_a_page_of_targets_shows_what_must_be_reached_and_what_was() -> None:
    figure = {"title": "ack p99", "unit": "ms", "value": 6.0, "must": 5.0, "aim": None, "verdict": "MISSED"}
    goal = {"name": "P3", "figures": [{"key": "p99", **figure}], "correct": True, "results": []}
    text = page.page([{"scenario": "targets", "goals": [goal]}])
    assert all(word in text for word in ("P3", "ack p99", "6", "MISSED"))
    assert Outline(text).open == []
