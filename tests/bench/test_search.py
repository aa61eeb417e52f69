import argparse
import json
import random

from bench import __main__ as command
from bench.scenarios import search
from tests.kit.soak import in_a_soak


async def test_a_search_is_put_beside_a_page_of_history(monkeypatch):
    monkeypatch.setattr(search, "PAGES", 3)
    options = argparse.Namespace(messages=60, seed=1)
    found = await search.looked_for(["the weather is fine"], random.Random(1), options)
    assert found["index, bytes a message"] > 0
    assert found["p99 of a search in a room / of history"] > 0


@in_a_soak
def test_what_is_searched_is_in_the_index_first(tmp_path, monkeypatch, capsys):
    for name, value in {"PAGES": 3, "SENDS": 50, "ROOMS": 2, "POLL_S": 0.01}.items():
        monkeypatch.setattr(search, name, value)
    out, trace = tmp_path / "out.json", tmp_path / "trace.ndjson"
    trace.write_text('{"ts": 1, "room": "a", "user": "ann", "text": "the weather is fine"}\n')
    asked = ["search", "--messages", "60", "--rounds", "1", "--json", str(out), "--trace", str(trace)]
    assert command.main(asked) == 0
    result = json.loads(out.read_text())
    assert set(result["found"]) == {"words", "Chinese", "trace"}
    assert all(one["index, bytes a message"] > 0 for one in result["found"].values())
    assert "sends with search on" in capsys.readouterr().out
