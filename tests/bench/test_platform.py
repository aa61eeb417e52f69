import json

import pytest

from bench import __main__ as command
from bench.scenarios import platform

SMALL = {"WORDS": 50, "PATTERNS": 5, "USERS": 30, "DEADLINE_MS": 50, "AFTER_CALLS": 3, "ERASED": 100}
SHORT = ["--duration", "0.5", "--warmup", "0.1", "--rounds", "1", "--clients", "2", "--members", "3"]


@pytest.mark.parametrize(("types", "code"), [([], 0), (["account"], 1)])
def test_each_figure_is_measured_and_a_message_that_no_endpoint_got_is_lost(
    types, code, tmp_path, monkeypatch, capsys
):
    for name, value in SMALL.items():
        monkeypatch.setattr(platform, name, value)
    monkeypatch.setattr(platform, "TYPES", types)
    if types:
        monkeypatch.setattr(platform, "LATE_S", 0.1)
    out = tmp_path / "out.json"
    assert command.main(["platform", *SHORT, "--senders", "1", "--json", str(out)]) == code
    result = json.loads(out.read_text())
    assert bool(result["lost"]) == bool(code)
    if not code:
        assert result["figures"].keys() == {figure.key for figure in platform.FIGURES}
        assert None not in result["figures"].values()
    assert "off / off" in capsys.readouterr().out
