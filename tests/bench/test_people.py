import json

from bench import __main__ as command
from bench.scenarios import people
from tests.kit.soak import in_a_soak

FEW = {"WATCHED": 5, "CONTACTS": 300, "SENDS": 3, "HELLOS": 3, "WATCHES": 3, "FIRST_ROUNDS": 1}


async def test_every_request_costs_something(monkeypatch):
    for name, value in FEW.items():
        monkeypatch.setattr(people, name, value)
    found = await people.costs(True)
    assert found.keys() == {*people.BOTH, "first_round", "select"}
    assert all(value > 0 for value in found.values())


@in_a_soak
def test_the_same_requests_are_answered_on_both_sides(tmp_path, monkeypatch, capsys):
    """Whoever watches sees friends, the first round brings every contact, and the ratios are told."""
    for name, value in FEW.items():
        monkeypatch.setattr(people, name, value)
    out = tmp_path / "out.json"
    assert command.main(["people", "--rounds", "1", "--json", str(out)]) == 0
    assert all(value > 0 for value in json.loads(out.read_text())["figures"].values())
    assert "by core" in capsys.readouterr().out
