import pytest

from chatd.cli.hook_lines import TEXT_MAX, delivery_line, entry_line, item_line, refused_line


def text(line):
    return "".join(piece for piece, _ in line)


def entry(**keys):
    return text(entry_line({"id": "a-1-0", "type": "event.message", "time": 0, "room": "g1", **keys}))


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        (
            {"event": {"seq": 1, "kind": "message", "user": "u1", "body": {"text": "Hi"}}},
            "g1            u1: Hi",
        ),
        ({"event": {"body": {"text": "Hi", "reply_to": 3}, "user": "u1"}}, "u1: Hi  reply_to 3"),
        ({"event": {"body": {"data": {"a": 1}}, "user": "u1"}}, 'u1: data {"a": 1}'),
        ({"event": {"user": "u1", "users": ["u2", "u3"], "title": "Bikes"}}, "u1: users u2, u3  title Bikes"),
        ({"event": {"body": {"text": "Hi"}}, "unscreened": True}, "Hi  unscreened"),
        (
            {"type": "account", "user": "u1", "change": "profile", "by": "k1"},
            "user u1  change profile  by k1",
        ),
        ({"type": "presence", "online": ["u1"], "room": ""}, "online u1"),
    ],
)
def test_an_entry_shows_who_did_what(keys, shown):
    assert entry(**keys).endswith(shown)


@pytest.mark.parametrize(
    "keys",
    [
        {"event": {"body": {"text": "\x1b[31mred\r\n\u202eesrever"}, "user": "\x07"}},
        {"event": {"body": {"data": "\x1b]0;title\x07"}}},
        {"type": "\x1b[2J", "room": "\x9b", "user": "\x00"},
        {"event": {"kind": 1, "users": [1, "\x1b"]}},
    ],
)
def test_nothing_that_comes_from_outside_reaches_the_terminal_as_it_is(keys):
    assert entry(**keys).isprintable()


@pytest.mark.parametrize(
    "odd", [{}, {"time": "x"}, {"time": -1}, {"time": 1 << 60}, {"event": []}, {"event": {"body": []}}]
)
def test_an_odd_entry_is_shown_all_the_same(odd):
    assert text(entry_line(odd))


def test_a_long_text_is_cut():
    assert len(entry(event={"body": {"text": "x" * 9999}})) < TEXT_MAX + 100


def test_the_line_of_a_delivery_counts_what_is_in_it():
    assert text(delivery_line(1, 0, 7, 204, 0)).endswith("✓ signed  1 event  after 7 ms  answered 204")
    assert text(delivery_line(0, 2, 0, 200, 0)).endswith("✓ signed  2 items to judge  answered 200")
    assert text(refused_line("too old", 0)).endswith("✗ too old")


def test_an_item_shows_its_verdict():
    item = {"id": "r:u:k", "on": "message", "user": "u1", "room": "g1", "body": {"text": "Hi"}}
    assert text(item_line(item, "reject")).split() == ["reject", "message", "g1", "u1:", "Hi"]
    room = {"id": "r:u:k", "on": "room", "user": "u1", "title": "Bikes"}
    assert text(item_line(room, "pass")).split() == ["pass", "room", "u1:", "title", "Bikes"]
