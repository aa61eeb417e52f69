"""The language of scenarios: values, patterns, steps, fragments, and what is said about a mistake."""

from pathlib import Path
from typing import Any

import pytest

from chatd.conformance.packets import HELPERS
from chatd.conformance.patterns import fill, match
from chatd.conformance.script import ScriptError, load, parse
from chatd.conformance.values import NotationError, show
from chatd.conformance.values import parse as value

HEAD = "scenario s\n"


def matched(pattern: str, got: Any, **bound: Any) -> dict[str, Any]:
    """Return the names after a match; fails when it does not match."""
    assert match(value(pattern), got, bound, HELPERS) == ""
    return bound


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ('{"a":[1,-2.5,true,null,"ü\\n"]}', {"a": [1, -2.5, True, None, "ü\n"]}),
        ('{"a":$x,"b":absent}', {"a": 7}),
        ("[$m(2..3)]", [HELPERS["m"](2), HELPERS["m"](3)]),
        ('$m(4, user="u9", ordinal=2)', HELPERS["m"](4, user="u9", ordinal=2)),
        (
            "$event($r, $m(1..$x))",
            {"type": "event", "room": "g", "events": [HELPERS["m"](n) for n in range(1, 8)]},
        ),
    ],
)
def test_a_value_is_sent_as_written(text: str, sent: Any) -> None:
    assert fill(value(text), {"x": 7, "r": "g"}, HELPERS) == sent


@pytest.mark.parametrize(
    "text", ["*", "1|2", "1..3", "!1", "...", "+1", "$unknown", "$no(1)", "$m()", "$m(1, 2, 3, 4)"]
)
def test_a_pattern_cannot_be_sent(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        fill(value(text), {}, HELPERS)


@pytest.mark.parametrize(
    ("pattern", "got"),
    [
        ('{"type":"log"}', {"type": "log", "id": 1}),
        ('{"to":3|4}', {"to": 4}),
        ('{"n":2..5}', {"n": 5}),
        ('{"key":!"a"}', {"key": "b"}),
        ('{"x":*,"y":absent}', {"x": None}),
        ("[1,...,9]", [1, 4, 9]),
        ("[...]", []),
        ('[$m(1..2),{"seq":3}]', [HELPERS["m"](1), HELPERS["m"](2), {"seq": 3, "kind": "message"}]),
        ("$m(1, key=*)", {**HELPERS["m"](1), "key": "other"}),
    ],
)
def test_a_pattern_fits(pattern: str, got: Any) -> None:
    matched(pattern, got)


@pytest.mark.parametrize(
    ("pattern", "got", "reason"),
    [
        ('{"a":{"b":[1,2]}}', {"a": {"b": [1, 3]}}, "a.b[1]: expected 2, got 3"),
        ('{"a":1}', {}, "a is missing, expected 1"),
        ('{"a":1}', {"a": True}, "a: expected 1, got true"),
        ('{"a":1}', {"a": "1"}, 'a: expected 1, got "1"'),
        ('{"a":absent}', {"a": 0}, "a should be absent, and is 0"),
        ('{"a":2..3}', {"a": 4}, "a: expected 2..3, got 4"),
        ('{"a":!1}', {"a": 1}, "a: expected anything but 1, got 1"),
        ('{"a":1|2}', {"a": 3}, "a: expected 1|2, got 3"),
        ("[1]", [1, 2], "the array has 2 items, expected 1: [1,2]"),
        ("[1,...,2]", [1], "it: expected [1,...,2], got [1]"),
        ('{"a":{}}', {"a": []}, "a: expected {}, got []"),
    ],
)
def test_what_differs_is_said(pattern: str, got: Any, reason: str) -> None:
    assert match(value(pattern), got, {}, HELPERS) == reason


def test_a_name_takes_what_stands_there_and_keeps_it() -> None:
    bound = matched('{"a":$x,"b":$x}', {"a": 1, "b": 1})
    assert bound == {"x": 1}
    assert match(value("$x"), 2, bound, HELPERS) == "it: expected 1, got 2"


def test_what_does_not_fit_binds_nothing() -> None:
    bound: dict[str, Any] = {}
    assert match(value('{"a":$x,"b":2}'), {"a": 1, "b": 1}, bound, HELPERS)
    assert bound == {}
    assert matched('{"a":{"b":$y}|1}', {"a": {"b": 3}}) == {"y": 3}


@pytest.mark.parametrize(
    "text", ['{"a":[1,$x,*],"b":!2..3}', '$m(4,user="u9")', "[...,absent]", "+3", "1|true|null"]
)
def test_a_value_is_shown_as_it_is_written(text: str) -> None:
    assert show(value(text)) == text.replace(",user", ", user")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1",
        '{"a" 1}',
        '{"a":1,"a":2}',
        '"open',
        "word",
        "1 2",
        "4..2",
        "$",
        "$m(a=1, 2)",
        "{a:1}",
        "1|",
    ],
)
def test_what_is_no_value_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(NotationError) as refused:
        value(text)
    assert 0 <= refused.value.at <= len(text)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("X> {}", "there is no `X>`"),
        ("3", "expected S>, C>, C?, C!, C& or a verb"),
        ("jump", "there is no `jump`"),
        ('C! {"type":"log"}', "C! needs a window"),
        ('C? {"type":"log"}', "C? needs a window"),
        ('C> 0..1s {"type":"log"}', "C> has no window"),
        ('C? 2..1s {"type":"log"}', "the window ends before it begins"),
        ("C> 3", "a packet is an object"),
        ("S> $loose", "$loose has no value yet"),
        ("S> $no(1)", "there is no $no(...)"),
        ('S> {"type":"ok"', "expected ','"),
        ("do dance", "there is no action `dance`"),
        ("do post", "do post needs room"),
        ('do read room=$r text="x"', "do read takes no text"),
        ("life sleep", "there is no life `sleep`"),
        ("state", "a state names what it should be"),
        ("state $r phase=1", "there is no phase in the state of a room"),
        ("state unread=1", "there is no unread in the state of the client"),
        ("use nothing", "there is no fragment `nothing`"),
        ("wait", "expected a time"),
        ("health ill", "health is ok or portal"),
        ("cut now", "nothing more was expected"),
        ("do typing room=$r room=$r", "room stands there twice"),
    ],
)
def test_a_mistake_is_said_with_file_and_line(line: str, said: str) -> None:
    with pytest.raises(ScriptError) as refused:
        parse(f"{HEAD}# About it.\n\n{line}\n", "folder/s.scenario")
    assert str(refused.value).startswith("folder/s.scenario:4: ")
    assert said in str(refused.value)
    assert line in str(refused.value)


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("", "there is no line `scenario NAME"),
        ("start", "the first line is `scenario NAME"),
        ("scenario other", "its name is other"),
        ("scenario s profile flying", "profile is one of"),
        ("scenario s time real", "time is one of virtual"),
        ("scenario s proof 1", "there is no header `proof`"),
    ],
)
def test_a_wrong_head_is_refused(head: str, said: str) -> None:
    with pytest.raises(ScriptError, match=said):
        parse(f"{head}\n", "folder/s.scenario")


def test_the_place_of_a_mistake_is_pointed_at() -> None:
    with pytest.raises(ScriptError) as refused:
        parse(f'{HEAD}S> {{"a":1,,}}\n', "s.scenario")
    _, line, pointer = str(refused.value).splitlines()
    assert line[pointer.index("^") :].startswith(",}")


def test_a_step_goes_on_in_lines_that_are_indented() -> None:
    scenario = parse(
        f'{HEAD}# Two\n# lines.\nS> {{"type":"ping",\n    # no comment inside\n    "cursor":"c"}}\n',
        "s.scenario",
    )
    assert scenario.about == "Two lines."
    assert scenario.steps[0].value == {"type": "ping", "cursor": "c"}


def test_a_fragment_stands_for_its_steps_and_keeps_its_names_to_itself() -> None:
    fragment = parse(
        'fragment f room seq=3\nS> $head($room, $seq)\nC> {"type":"hello","id":$i}\nS> $ok($i)\n', "f"
    )
    scenario = parse(f"{HEAD}use f room=$r\nuse f room=$d seq=4\nS> $ok(1)\n", "s", {"f": fragment})
    first, hello, ok, second, *_ = scenario.steps
    assert (show(first.value), show(second.value)) == ("$head($r, 3)", "$head($d, 4)")
    assert show(ok.value) == f"$ok({show(hello.value['id'])})" != "$ok($i)"
    with pytest.raises(ScriptError, match="f needs room"):
        parse(f"{HEAD}use f\n", "s", {"f": fragment})
    with pytest.raises(ScriptError, match="f takes no x"):
        parse(f"{HEAD}use f room=$r x=1\n", "s", {"f": fragment})


def test_a_scenario_knows_how_long_it_takes_at_least() -> None:
    steps = ["S> $head($r, 1)", 'C! 0..450ms {"type":"log"}', 'C? 500..1500ms {"type":"log"}']
    steps += ["wait 2s", 'C! 0..1s {"type":"log"}']
    assert parse(HEAD + "\n".join(steps), "s").least_s == pytest.approx(3.5)


def test_two_scenarios_of_one_name_are_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "s.scenario").write_text(f"{HEAD}start\n")
    with pytest.raises(ScriptError, match="the same name"):
        load(tmp_path)
