import dataclasses

import pytest
from prometheus_client.parser import text_string_to_metric_families

from chatd import __version__
from chatd.telemetry.counters import Counters
from chatd.telemetry.metrics import COUNTED, GAUGES, render


def samples(counters: Counters, gauges=None) -> dict[tuple, float]:
    text = render(counters, gauges or {}).decode()
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_every_counter_has_a_name_and_help():
    assert set(COUNTED) == {field.name for field in dataclasses.fields(Counters)}
    assert all(about.help.endswith(".") for about in (*COUNTED.values(), *GAUGES.values()))
    names = [about.name for about in (*COUNTED.values(), *GAUGES.values())]
    assert len(set(names)) == len(names)


def test_exactly_the_counters_with_words_have_a_label():
    counters = Counters()
    for field, about in COUNTED.items():
        assert bool(about.label) == isinstance(getattr(counters, field), dict), field


def test_counters_are_rendered():
    counters = Counters(connections_opened=7, bytes_received=1234)
    counters.connections_closed[4001] += 2
    counters.errors["forbidden"] += 3
    found = samples(counters)
    assert found["chatd_connections_opened_total",] == 7
    assert found["chatd_bytes_received_total",] == 1234
    assert found["chatd_connections_closed_total", ("code", "4001")] == 2
    assert found["chatd_errors_total", ("code", "forbidden")] == 3
    assert found["chatd_defects_total",] == 0


def test_histograms_are_cumulative():
    counters = Counters()
    for seconds in (0.0004, 0.001, 0.3, 60):
        counters.commit_seconds.observe(seconds)
    found = samples(counters)
    assert found["chatd_message_commit_seconds_bucket", ("le", "0.0005")] == 1
    assert found["chatd_message_commit_seconds_bucket", ("le", "0.001")] == 2
    assert found["chatd_message_commit_seconds_bucket", ("le", "10.0")] == 3
    assert found["chatd_message_commit_seconds_bucket", ("le", "+Inf")] == 4
    assert found["chatd_message_commit_seconds_count",] == 4
    assert found["chatd_message_commit_seconds_sum",] == pytest.approx(60.3014)


def test_gauges_are_rendered():
    found = samples(Counters(), {"draining": 1, "connections": {"ready": 5, "unauthenticated": 2}})
    assert found["chatd_draining",] == 1
    assert found["chatd_connections", ("state", "ready")] == 5
    assert found["chatd_connections", ("state", "unauthenticated")] == 2


def test_a_gauge_nobody_declared_is_an_error():
    with pytest.raises(KeyError):
        render(Counters(), {"surprise": 1})


def test_the_build_and_the_process_are_there():
    found = samples(Counters())
    [build] = [key for key in found if key[0] == "chatd_build_info"]
    assert ("version", __version__) in build
    assert any(key[0] == "python_gc_collections_total" for key in found)
