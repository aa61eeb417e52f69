"""docs/people.md: its commands run as they are written, and its SQL computes the digest that chatd has."""

import json
import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from bench.friend_graph import friend_graph
from tests.kit.daemon import daemon_process
from tests.kit.document_commands import needs_curl, run_commands
from tests.kit.host_graph import HostGraph
from tests.kit.newcomer import ROOT, blocks

DOCUMENT = ROOT / "docs" / "people.md"
BLOCKS = blocks(DOCUMENT)
POSTGRESQL, MYSQL = (block.text for block in BLOCKS if block.language == "sql")
PROGRAMS = ("postgres", "initdb", "psql")


@needs_curl
async def test_the_commands_work_and_answer_what_is_written(tmp_path: Path) -> None:
    settings = {"PEOPLE__ENABLED": "true", "PEOPLE__HOST_OWNS": "friends,follows,blocks"}
    async with daemon_process(tmp_path, **settings) as daemon:
        answers = await run_commands(DOCUMENT, daemon, tmp_path)
    for block in BLOCKS:
        assert block.language != "json" or block.text.strip() in answers, answers
    assert "Imported 3 users: 4 edges added, 0 removed." in answers
    assert '"users":{"u4":{"friend":[1,2832835480],"block":[1,522947080809]}}' in answers
    assert '"locked":true' in answers
    assert '"outcome":"no","rule":"block","of":"u3"' in answers
    assert "no: u3 blocks the other\n" in answers


def friends() -> HostGraph:
    graph = HostGraph()
    for one, other in friend_graph(200, 1500):
        graph.apply("friend", one, other)
    # An id has more than letters and digits.
    graph.apply("friend", "ann@example.org", "b:2|x")
    return graph


def sums(rows: object) -> dict[str, dict[str, list[int]]]:
    return {bucket: {"friend": [int(count), int(total)]} for bucket, count, total in rows}  # type: ignore[attr-defined]


def test_the_statement_of_mysql_is_the_digest() -> None:
    """SQLite runs it, with the functions that it has not: what it means, not that MySQL takes it, is tested."""
    graph = friends()
    with closing(sqlite3.connect(":memory:")) as database:
        database.create_function("sha2", 2, lambda text, bits: sha256(text.encode()).hexdigest())
        database.create_function("concat", -1, lambda *parts: "".join(parts))
        database.create_function("conv", 3, lambda digits, base, to: str(int(digits, base)))
        database.execute("CREATE TABLE friends (a TEXT, b TEXT)")
        database.executemany("INSERT INTO friends VALUES (?, ?)", [(a, b) for _, a, b in graph.edges])
        assert sums(database.execute(MYSQL)) == graph.buckets()


@contextmanager
def postgresql() -> Iterator[list[str]]:
    """Run a private PostgreSQL; yield the command of its client. Its server refuses to run as root."""
    as_user = {"user": "nobody", "group": "nogroup"} if os.getuid() == 0 else {}
    # Short, and open to that user: the path of a Unix socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="pg") as directory:
        if as_user:
            shutil.chown(directory, **as_user)
        options = {"cwd": directory, "env": {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}, **as_user}
        made = ["initdb", "-D", f"{directory}/db", "-A", "trust", "-U", "host", "--no-sync", "-E", "UTF8"]
        subprocess.run(made, check=True, capture_output=True, **options)
        settings = ["-c", "listen_addresses=", "-c", "fsync=off"]
        control = ["pg_ctl", "-D", f"{directory}/db", "-w", "-l", f"{directory}/log"]
        if shutil.which("pg_ctl") is None:
            pytest.skip("there is no pg_ctl here")
        start = [*control, "-o", " ".join([*settings, "-k", directory]), "start"]
        subprocess.run(start, check=True, capture_output=True, **options)
        try:
            yield [
                "psql",
                "-h",
                directory,
                "-U",
                "host",
                "-d",
                "postgres",
                "-X",
                "-v",
                "ON_ERROR_STOP=1",
                "-At",
            ]
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], check=True, capture_output=True, **options)


@pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason="there is no PostgreSQL here")
def test_the_statement_of_postgresql_is_the_digest() -> None:
    graph = friends()
    copied = "".join(f"{a}\t{b}\n" for _, a, b in sorted(graph.edges))
    script = f"CREATE TABLE friends (a text, b text);\nCOPY friends FROM STDIN;\n{copied}\\.\n{POSTGRESQL};\n"
    with postgresql() as client:
        done = subprocess.run(client, input=script, capture_output=True, text=True, check=True)
    rows = [line.split("|") for line in done.stdout.splitlines() if line.count("|") == 2]
    assert sums(rows) == graph.buckets()


def test_the_digest_of_the_document_is_that_of_chatd() -> None:
    """The example of the document, by what stands in its text."""
    graph = HostGraph()
    for op, a, b in (
        ("friend", "u1", "u2"), ("friend", "u1", "u3"), ("friend", "u1", "u4"), ("block", "u3", "u9"),
    ):  # fmt: skip
        graph.apply(op, a, b)
    written = next(block.text for block in BLOCKS if "reconcile" in block.text)
    assert json.loads(written[written.index("{") : written.rindex("'")])["buckets"] == graph.buckets()
