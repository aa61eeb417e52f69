"""push_lines.py: decisions as an operator reads them."""

import time

from chatd.cli.push_lines import app_line, decision_line, line_of_test, now_lines

AT = 1763900000000
TODAY = time.strftime("%Y-%m-%d", time.localtime(AT / 1000))
CLOCK = time.strftime("%H:%M:%S", time.localtime(AT / 1000))


def text(line):
    return "".join(part for part, _ in line)


def test_a_decision_is_a_sentence():
    one = {
        "time": AT,
        "kind": "message",
        "outcome": "read",
        "device": "phone",
        "room": "g4fKz81QwXe2",
        "seq": 7,
    }
    said = text(decision_line(one, TODAY))
    assert (
        said.split()
        == f"{CLOCK} phone message g4fKz81QwXe2 7 read: they had read it on another device".split()
    )


def test_one_of_yesterday_has_its_date_and_one_that_was_refused_its_word():
    one = {"time": AT, "kind": "friend", "outcome": "provider_error", "detail": "Bad\x1b[31mTopic"}
    said = text(decision_line(one, "2000-01-01"))
    assert said.startswith(f"  {TODAY} {CLOCK}  -")
    assert said.endswith("provider_error: the push service refused it  [Bad�[31mTopic]") or "\x1b" not in said


def test_an_outcome_that_is_not_known_is_shown_as_it_is():
    assert text(decision_line({"time": AT, "kind": "message", "outcome": "new"}, TODAY)).endswith("new")


def lines(**fits):
    rules = ("own", "stale_device", "muted", "read")
    found = [{"outcome": rule, "fits": fits.get(rule, False)} for rule in rules]
    return [*found, next((one for one in found if one["fits"]), {"outcome": "sent", "fits": True})]


def test_now_is_told_rule_by_rule():
    sent = {"device": "phone", "platform": "apns", "outcome": "sent", "delay_s": 10, "lines": lines()}
    muted = {"device": "", "platform": "", "outcome": "muted", "delay_s": 0, "lines": lines(muted=True)}
    said = [text(line).rstrip() for line in now_lines([sent, muted], 3, rules=True)]
    assert said == [
        "  ✓ phone                   apns: would be sent, after 10 s: another device is in use",
        "      · they did not write it",
        "      · the device was seen in the last 60 days",
        "      · the room is not muted",
        "      · they have not read it",
        "  ✗ any device              muted",
        "      · they did not write it",
        "      ✗ the room is muted",
        "      · they have not read it",
        "  The number on the icon is 3.",
    ]


def test_what_is_paused_would_not_be_sent():
    held = {"device": "phone", "platform": "apns", "outcome": "sent", "lines": lines(), "paused": "Forbidden"}
    (line, *_) = now_lines([held], 0)
    assert text(line) == "  ✗ phone                   apns: would not be sent now: Forbidden"


def test_without_the_rules_only_those_are_told_that_fit():
    muted = {
        "device": "phone",
        "platform": "fcm",
        "outcome": "muted",
        "delay_s": 0,
        "lines": lines(muted=True),
    }
    said = [text(line).rstrip() for line in now_lines([muted], 0)]
    assert said == [
        "  ✗ phone                   fcm: muted",
        "      ✗ the room is muted",
        "  The number on the icon is 0.",
    ]


def test_a_test_shows_the_answer_of_the_service():
    one = {
        "device": "phone",
        "platform": "apns",
        "app": "com.example",
        "outcome": "sent",
        "detail": "",
        "status": 200,
    }
    assert text(line_of_test(one)) == (
        "  ✓ phone                   apns com.example  sent: the push service took it  [200]"
    )
    assert text(line_of_test(one | {"status": 0, "detail": "dry run"})).endswith("com.example  would be sent")
    refused = one | {"outcome": "provider_error", "detail": "BadTopic", "status": 400, "app": ""}
    assert text(line_of_test(refused)).endswith("provider_error: the push service refused it  [400 BadTopic]")


def test_an_app_sends_or_says_why_not():
    one = {"platform": "apns", "app": "", "waiting": 0, "under_way": 0, "paused": ""}
    assert text(app_line(one)).split() == ["apns", "sends"]
    by_hand = text(app_line(one | {"paused": "paused by an operator", "waiting": 3}))
    assert by_hand.split() == ["apns", *["paused", "by", "an", "operator", "3", "wait"]]
    refused = text(app_line(one | {"paused": "InvalidProviderToken"}))
    assert refused.endswith("paused, because the key was refused: InvalidProviderToken")
