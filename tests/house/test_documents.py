"""The documents against the code: settings, metrics, verbs, commands and options they name, links they follow."""

import json
import math
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from bench.__main__ import main as bench
from chatd.cli.main import main
from chatd.config.model import Config
from chatd.config.schema import fields, sections
from chatd.config.text import as_markdown
from chatd.conformance.schema import REQUESTS
from chatd.core.api_keys import READ
from chatd.http.api.application import TABLE
from chatd.http.api.route import OPEN, SOCKET_ONLY, Download, scopes_of
from chatd.telemetry.counters import Counters, Histogram
from chatd.telemetry.metrics import COUNTED, GAUGES
from tests.kit.newcomer import ROOT, blocks, links

DOCS = sorted(
    [
        *ROOT.glob("docs/*.md"),
        ROOT / "bench" / "README.md",
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    ]
)
OPERATIONS = ROOT / "docs" / "operations.md"
PROTOCOL = ROOT / "protocol.md"

every_document = pytest.mark.parametrize("document", DOCS, ids=lambda path: str(path.relative_to(ROOT)))


def test_the_reference_of_settings_is_the_one_of_the_program():
    assert (ROOT / "docs" / "configuration.md").read_text() == as_markdown()


@every_document
def test_links_lead_somewhere(document):
    missing = [str(path) for path in links(document) if not path.exists()]
    assert not missing


# A path begins at one of these, or beside the document.
PLACES = (ROOT, ROOT / "chatd", ROOT / "tests")
# Documents about one folder name its files alone.
FOLDERS = {
    "client.md": ("chatd/client", "chatd/client/core"),
    "simulation.md": ("tests/simulation",),
    "CONTRIBUTING.md": ("tests/hostile",),
}
# The program of the reader of README.md; a prefix of media types; directories of a daemon's data.
NO_FILES = {"hello.py", "application/", "exports/", "trace/", "media/", "incoming/", "set-aside/"}


@pytest.mark.parametrize("document", [*DOCS, PROTOCOL], ids=lambda path: str(path.relative_to(ROOT)))
def test_files_that_are_named_exist(document):
    beside = (document.parent, *(ROOT / folder for folder in FOLDERS.get(document.name, ())))
    fences = r"^```.*?^```"
    prose = re.sub(fences, "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`(\w[\w.-]*(?:/[\w.-]+)*(?:\.(?:py|sql|md|toml)|/))(?:::\w+)?`", prose))
    missing = {name for name in named if not any((place / name).exists() for place in (*PLACES, *beside))}
    assert missing <= NO_FILES


FOR_CONTRIBUTORS = (
    "architecture.md",
    "simulation.md",
    "glossary.md",
    "CONTRIBUTING.md",
    "client.md",
    "conformance.md",
)


@pytest.mark.parametrize(
    "document", [one for one in DOCS if one.name in FOR_CONTRIBUTORS], ids=lambda path: path.name
)
def test_classes_and_tables_that_are_named_exist(document):
    known = {word for path in SOURCES for word in re.findall(r"[A-Z]\w+", path.read_text())}
    code = re.findall(r"`([^`\n]+)`", document.read_text())
    named = {word for text in code for word in re.findall(r"\b[A-Z]\w+", text)}
    assert named <= known


@pytest.mark.parametrize("document", [*DOCS, PROTOCOL], ids=lambda path: path.name)
def test_anchors_lead_to_headings(document):
    for target, anchor in re.findall(r"\]\(([^)#\s:]*)#([^)\s]+)\)", document.read_text()):
        read = document.parent / target if target else document
        headings = re.findall(r"^#+ (.+)$", read.read_text(), re.MULTILINE)
        assert anchor in {slug(heading) for heading in headings}, f"{target}#{anchor}"


def slug(heading: str) -> str:
    """The anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


@every_document
def test_settings_that_are_named_exist(document):
    names = "|".join(section.name for section in sections())
    named = set(re.findall(rf"`((?:{names})\.[a-z_0-9]+)`", document.read_text()))
    files = {name for name in named if name.endswith((".py", ".toml", ".sqlite"))}
    # Packets and scopes may begin with the name of a section.
    assert named - files - set(fields()) - scopes_of(TABLE) - REQUESTS.keys() == set()


@every_document
def test_examples_of_configuration_are_accepted(document):
    for block in blocks(document):
        if block.language == "toml":
            for section, content in tomllib.loads(block.text).items():
                unknown = {f"{section}.{key}" for key in content} - set(fields())
                assert not unknown, f"line {block.line}"


def metric_names() -> Iterator[str]:
    yield "chatd_build_info"
    yield from (f"chatd_{about.name}" for about in GAUGES.values())
    counters = Counters()
    for field, about in COUNTED.items():
        suffix = "" if isinstance(getattr(counters, field), Histogram) else "_total"
        yield f"chatd_{about.name}{suffix}"


def test_every_metric_has_its_row_and_no_row_is_without_one():
    rows = re.findall(r"^\| `(chatd_[a-z_]+)` \|", OPERATIONS.read_text(), re.MULTILINE)
    assert sorted(rows) == sorted(metric_names())


def test_labels_of_metrics_are_those_of_the_code():
    stated = dict(re.findall(r"^\| `chatd_([a-z_]+)` \| `?(\w*)`? *\|", OPERATIONS.read_text(), re.MULTILINE))
    for about in (*COUNTED.values(), *GAUGES.values()):
        assert stated.get(f"{about.name}_total", stated.get(about.name)) == about.label, about.name


MONITORING = ROOT / "docs" / "grafana"
ALERTS = (MONITORING / "alerts.yml").read_text()
DASHBOARD = json.loads((MONITORING / "chatd.json").read_text())


def expressions() -> Iterator[str]:
    """The expressions of the alerts and of the panels."""
    yield from re.findall(r"^ +expr: (?:>-\n)?((?:.+)(?:\n +[>&|].+)*)", ALERTS, re.MULTILINE)
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))


def test_alerts_and_panels_are_about_metrics_that_exist():
    known = set(metric_names())
    found = {name for text in expressions() for name in re.findall(r"chatd_[a-z_]+", text)}
    assert {re.sub("_(bucket|sum|count)$", "", name) for name in found} <= known
    for about in ("loop_lag", "commit_seconds", "slow_consumers", "wal", "free", "certificate", "backup"):
        assert re.search(rf"^ +(?:expr:|sum by).*chatd_\w*{about}", ALERTS, re.MULTILINE), about


def test_labels_of_alerts_and_panels_are_those_of_the_code():
    labels = {about.name: about.label for about in (*COUNTED.values(), *GAUGES.values())}
    for text in expressions():
        for name, matchers in re.findall(r"chatd_([a-z_]+?)(?:_total|_bucket|_sum)?\{([^}]*)\}", text):
            used = set(re.findall(r"(\w+)=", matchers)) - {"instance", "job"}
            assert used <= {labels.get(name, "")}, text


def test_the_dashboard_reads_one_data_source_and_has_each_panel_once():
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    for key in ("id", "title"):
        values = [panel[key] for panel in panels if panel["type"] == "timeseries"]
        assert len(values) == len(set(values))


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (Debian: prometheus) is not installed")
def test_prometheus_accepts_the_alerts_and_the_expressions(tmp_path):
    rules = [
        f"      - record: x{number}\n        expr: {json.dumps(text)}"
        for number, text in enumerate(expressions())
    ]
    panels = tmp_path / "panels.yml"
    plain = "\n".join(["groups:", "  - name: x", "    rules:", *rules]).replace("[$__rate_interval]", "[5m]")
    panels.write_text(plain)
    for file in (MONITORING / "alerts.yml", panels):
        checked = subprocess.run(["promtool", "check", "rules", file], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr


def test_what_prometheus_is_told_to_read_is_where_it_is_and_how_alerts_call_it():
    written = "".join(block.text for block in blocks(OPERATIONS) if block.language == "yaml")
    assert f'"{Config().listen.ops_address}"' in written
    assert set(re.findall(r'job="(\w+)"', ALERTS)) == set(re.findall(r"job_name: (\w+)", written))


def test_the_example_has_the_lines_it_is_said_to_have():
    example = (ROOT / "chatd" / "client" / "example.py").read_text()
    assert 20 <= len([line for line in example.splitlines() if line.strip()]) <= 25
    for document in ("README.md", "docs/client.md", "chatd/cli/dev.py"):
        assert re.search(r"whole chat program in 25 lines", (ROOT / document).read_text()), document


def test_how_many_accounts_fill_a_disk_follows_from_what_each_may_store():
    rows = re.findall(r"^\| (\d+) (GB|TB) \| (.*) \|$", OPERATIONS.read_text(), re.MULTILINE)
    assert len(rows) == 3
    for size, unit, counts in rows:
        disk = int(size) * {"GB": 10**9, "TB": 10**12}[unit]
        shares = [
            Config().rates.stored_bytes_per_day * (days + 1) for days in (1, 7, 30)
        ]  # full at the beginning
        assert counts.split(" | ") == [f"{math.ceil(disk / share):,}" for share in shares]


def test_every_route_and_scope_of_the_api_has_its_row():
    text = (ROOT / "docs" / "api.md").read_text()
    rows = re.findall(r"^\| `([A-Z]+ /v1/[^`]+)` \| ([^|]+) \|([^|]*)\|([^|]*)\|$", text, re.MULTILINE)
    assert [row[0] for row in rows] == [f"{route.method} {route.path}" for route in TABLE]
    for route, (_, scope, asked, answered) in zip(TABLE, rows, strict=True):
        if route.scope in (OPEN, SOCKET_ONLY):
            assert "`" not in scope
        else:
            assert scope == f"`{route.scope + READ if route.reads else route.scope}`"
        if answered.strip() not in ("", "the same") and route.answer is not Download:
            assert set(route.answer.__struct_encode_fields__) <= set(re.findall(r"`(\w+)`", answered)), (
                route.path
            )
        if not route.bulk:
            outer = re.sub(r"\{.*?\}", "", asked)
            assert set(re.findall(r"`(\w+)`", outer)) == set(route.asked.__struct_encode_fields__), route.path
    named = set(re.findall(r"^\| `([a-z.]+)` \|", text, re.MULTILINE)) | set(
        re.findall(r"`([a-z]+\.read)`", text)
    )
    assert named == scopes_of(TABLE)


def commands(document: Path) -> Iterator[list[str]]:
    """The arguments of every `chatd` in blocks of shell and units, and in sentences."""
    written = [block.text for block in blocks(document) if block.language in ("sh", "ini")]
    written += [one.replace("\n", " ") for one in re.findall(r"`(chatd [^`]*)`", document.read_text())]
    for text in written:
        for arguments in re.findall(r"\bchatd ((?!chatd )[a-z][^`>|()#;\n]*)", text):
            yield arguments.split()


def command_of(arguments: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these arguments name, and what is left for it."""
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group) and arguments and not arguments[0].startswith("-"):
        found = command.get_command(context, arguments[0])
        assert found is not None, arguments
        command, arguments = found, arguments[1:]
    return command, arguments


@pytest.mark.parametrize("document", [OPERATIONS, ROOT / "README.md"], ids=lambda path: path.name)
def test_commands_and_options_that_are_shown_exist(document):
    shown = list(commands(document))
    assert len(shown) > 5
    for arguments in shown:
        command, rest = command_of(arguments)
        known = {name for one in command.params for name in (*one.opts, *one.secondary_opts)} | {"--help"}
        used = {word.partition("=")[0] for word in rest if word.startswith("--")}
        assert used <= known, arguments


HEADINGS = re.findall(r"^##+ (?:([0-9.]+?)\.? )?(.+)$", PROTOCOL.read_text().replace("`", ""), re.MULTILINE)
SOURCES = sorted(path for folder in ("chatd", "bench", "tests") for path in (ROOT / folder).rglob("*.py"))


def in_one_line(path: Path) -> str:
    """The text of a file; a citation may be broken into two lines, and into two lines of a comment."""
    return re.sub(r"\s+(?:# )?", " ", path.read_text())


def test_scenarios_and_options_of_the_harness_that_are_shown_exist(capsys):
    used: dict[str, set[str]] = {}
    for document in DOCS:
        text = "".join(block.text for block in blocks(document))
        for scenario, options in re.findall(r"python -m bench ([a-z]+)([^#>\n]*)", text):
            used.setdefault(scenario, set()).update(re.findall(r"(?<= )--[a-z-]+", options))
    assert len(used) > 10
    for scenario, options in used.items():
        with pytest.raises(SystemExit):
            bench([scenario, "--help"])
        assert options <= set(re.findall(r"^  (--[a-z-]+)\b", capsys.readouterr().out, re.MULTILINE)), (
            scenario
        )


def test_chapters_of_the_protocol_that_are_named_exist():
    titles = {title for _, title in HEADINGS}
    stale = []
    for path in (*SOURCES, *DOCS):
        for cited in re.findall(r'protocol\.md,? ("[^"]+"(?:(?:, | and )"[^"]+")*)', in_one_line(path)):
            stale += [(path.name, title) for title in re.findall(r'"(.+?)"', cited) if title not in titles]
    assert not stale


def test_chapters_of_the_protocol_are_named_by_their_titles():
    """A number changes when a chapter is put before it, and nobody finds it by searching for words."""
    other = r"protocol\.md[^\w#]{1,4}[0-9]\S*|(?<!\.html, )\bchapters? [0-9]\S*|protocol\.md, [A-Z]\w+"
    named = [
        (path.name, cited) for path in (*SOURCES, *DOCS) for cited in re.findall(other, in_one_line(path))
    ]
    assert not named


def test_the_protocol_refers_to_chapters_it_has():
    aside = r"^```.*?^```|`[^`\n]*`|^#.*?$"  # code and headings
    prose = re.sub(aside, "", PROTOCOL.read_text(), flags=re.MULTILINE | re.DOTALL)
    numbers = re.findall(r"(?<![\d./])(?<![×=] )\d+\.\d+(?![\d.–])", prose)
    for several in re.findall(r"\bchapters? ([\d, and]+)", prose):
        numbers += re.findall(r"\d+", several)
    assert len(numbers) > 100
    assert set(numbers) <= {number for number, _ in HEADINGS}
