import json

from bench import __main__ as command
from bench.scenarios import search


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
