import json

from bench import __main__ as command
from bench.scenarios import channel
from tests.kit.soak import in_a_soak


async def test_what_a_channel_costs_is_told(monkeypatch):
    """It is refused where a follower has a wrong unread number, or the row of one who did not read changed."""
    monkeypatch.setattr(channel, "POSTS", 3)
    monkeypatch.setattr(channel, "HELLOS", 2)
    found = await channel.costs(5)
    assert found["hello p50, ms"] > 0
    assert found["memory of the channel, KiB"] >= 0


@in_a_soak
def test_followers_find_what_is_unread_and_nobody_elses_row_changes(tmp_path, monkeypatch, capsys):
    """The scenario refuses a wrong unread number, and a row of a follower who did not read."""
    monkeypatch.setattr(channel, "POSTS", 3)
    monkeypatch.setattr(channel, "HELLOS", 2)
    out = tmp_path / "out.json"
    assert command.main(["channel", "--users", "50", "--json", str(out)]) == 0
    result = json.loads(out.read_text())
    assert result["followers"] == 50
    assert set(result["costs"]) == {"few", "many"}
    assert "memory of the channel, KiB" in capsys.readouterr().out
