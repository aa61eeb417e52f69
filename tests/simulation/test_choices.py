"""Choices: repeatable, calm where they say nothing, and lanes that do not disturb each other."""

from pathlib import Path

from tests.simulation.choices import Choices, load, save, trimmed


def picked(choices: Choices, name: str = "net", count: int = 20) -> list[int]:
    lane = choices.lane(name)
    return [lane.pick(10) for _ in range(count)]


def test_a_seed_picks_the_same_every_time() -> None:
    assert picked(Choices(7)) == picked(Choices(7)) != picked(Choices(8))


def test_what_was_recorded_replays() -> None:
    first = Choices(7)
    before = picked(first)
    assert picked(Choices(lanes=first.recorded)) == before


def test_beyond_its_end_a_lane_is_calm() -> None:
    assert picked(Choices(lanes={"net": [3, 14]}), count=4) == [3, 4, 0, 0]


def test_a_fault_is_never_the_calm_choice() -> None:
    assert not any(Choices(lanes={}).lane("net").befalls(2) for _ in range(9))
    assert Choices(lanes={"net": [1]}).lane("net").befalls(2)


def test_a_shorter_lane_leaves_the_others_where_they_were() -> None:
    whole, shorter = Choices(lanes={"a": [1, 2], "b": [3, 4]}), Choices(lanes={"a": [1], "b": [3, 4]})
    picked(whole, "a"), picked(shorter, "a")
    assert picked(whole, "b") == picked(shorter, "b")


def test_saved_choices_load(tmp_path: Path) -> None:
    lanes = {"phone a": [0, 3], "disk": [1]}
    save(tmp_path / "x.choices", lanes, "what it shows")
    assert load(tmp_path / "x.choices") == lanes


def test_calm_ends_are_not_written() -> None:
    assert trimmed({"a": [1, 0, 0], "b": [0]}) == {"a": [1]}
