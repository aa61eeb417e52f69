"""Filters by the API, over real connections: what they do at once, after a restart, and with what is wrong."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatd.config.problems import ConfigError
from chatd.core.filters import FILTERS_MAX
from chatd.moderation import compiling
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon, config_for, running_daemon
from tests.kit.inprocess import new_key

ON = {"enabled": True, "words_max": 20, "patterns_max": 3}


@pytest.fixture
async def moderated(tmp_path: Path) -> AsyncIterator[RunningDaemon]:
    async with running_daemon(config_for(tmp_path, moderation=ON)) as daemon:
        yield daemon


async def put(daemon, name, **values):
    return await daemon.api("PUT", f"/v1/filters/{name}", **values)


async def tried(daemon, text):
    answer = await daemon.api("POST", "/v1/filters/test", text=text)
    assert answer.status == 200
    return answer.json


async def test_a_list_is_in_force_when_it_is_answered_and_after_a_restart(moderated):
    row = {"name": "hate", "does": "reject", "reason": "hate", "word_count": 1, "pattern_count": 0}
    assert (await put(moderated, "hate", reason="hate", words=["Vile", "ＶＩＬＥ"])).json == row
    assert (await put(moderated, "mild", does="mask", patterns=["d.rn"])).status == 200
    for _ in range(2):
        whole = (await moderated.api("GET", "/v1/filters/hate")).json
        assert whole == {
            "name": "hate",
            "does": "reject",
            "reason": "hate",
            "words": ["Vile"],
            "patterns": [],
        }
        names = [one["name"] for one in (await moderated.api("GET", "/v1/filters")).json["filters"]]
        assert names == ["hate", "mild"]
        assert (await tried(moderated, "vile"))["does"] == "reject"
        await moderated.restart()
    assert (await put(moderated, "hate", does="flag")).json == row | {"does": "flag"}
    assert (await tried(moderated, "vile"))["does"] == "flag"
    assert (await moderated.api("DELETE", "/v1/filters/hate")).status == 200
    assert (await tried(moderated, "vile"))["does"] == "pass"
    for method in ("GET", "DELETE"):
        assert (await moderated.api(method, "/v1/filters/hate")).json["code"] == "not_found"


async def test_a_test_says_which_rule_acts_where_and_what_is_stored(moderated):
    await put(moderated, "mild", does="mask", words=["darn"])
    await put(moderated, "odd", does="flag", patterns=["o(d+)"])
    hit = {
        "filter": "mild",
        "does": "mask",
        "rule": "darn",
        "start": 0,
        "length": 5,
        "found": "ＤＡ\u200bＲＮ",
    }
    odd = {"filter": "odd", "does": "flag", "rule": "o(d+)", "start": 6, "length": 3, "found": "Odd"}
    assert await tried(moderated, "ＤＡ\u200bＲＮ Odd") == {
        "does": "mask",
        "text": "***** Odd",
        "hits": [hit, odd],
    }
    assert await tried(moderated, "") == {"does": "pass", "text": "", "hits": []}


WRONG = [
    ({"does": "drop"}, "bad_request", "does"),
    ({"words": ["a", " \u200b"]}, "bad_request", "words[1]"),
    ({"words": ["a" * 101]}, "too_large", "words[0]"),
    ({"words": [f"w{number}" for number in range(21)]}, "too_large", "words"),
    ({"words": [f"{number}{'a' * 99}" for number in range(5)]}, "too_large", "words"),
    ({"patterns": ["a", "("]}, "bad_request", "patterns[1]"),
    ({"patterns": ["a*"]}, "bad_request", "patterns[0]"),
    ({"patterns": ["a" * 261]}, "too_large", "patterns[0]"),
    ({"patterns": list("abcd")}, "too_large", "patterns"),
    ({"reason": "a" * 65}, "too_large", "reason"),
    ({"pattern": ["a"]}, "bad_request", "pattern"),
]


async def test_what_is_wrong_is_refused_with_its_field_and_changes_nothing(moderated):
    await put(moderated, "mild", does="mask", words=["darn"])
    for values, code, field in WRONG:
        answer = await put(moderated, "mild", **values)
        assert (answer.json["code"], answer.json["field"]) == (code, field), values
        assert (await tried(moderated, "darn"))["text"] == "****"
    assert (await moderated.api("GET", "/v1/filters/mild")).json["words"] == ["darn"]


async def test_names_and_lists_have_bounds(moderated):
    for name in ("Hate", "1st", "a" * 33, "a.b"):
        assert (await put(moderated, name)).status in (400, 404)
    for number in range(FILTERS_MAX):
        assert (await put(moderated, f"list-{number}")).status == 200
    assert (await put(moderated, "one-more")).json["code"] == "too_large"


async def test_where_moderation_is_off_there_are_no_filters(tmp_path):
    async with running_daemon(config_for(tmp_path)) as daemon:
        assert (await put(daemon, "hate", words=["x"])).json["code"] == "not_supported"
        for method, path in (("GET", "/v1/filters"), ("GET", "/v1/filters/x"), ("DELETE", "/v1/filters/x")):
            assert (await daemon.api(method, path)).json["code"] == "not_supported"
        assert daemon.app.context.submit == daemon.app.writer.submit


async def test_without_their_libraries_stored_filters_keep_the_daemon_from_starting(tmp_path, monkeypatch):
    def missing(lists):
        if lists:
            raise compiling.Refused("not_supported", compiling.EXTRA)
        return compiling.NoFilters()

    daemon = RunningDaemon(config_for(tmp_path, moderation=ON))
    await daemon.start()
    await put(daemon, "hate", words=["x"])
    await daemon.stop()
    monkeypatch.setattr("chatd.server.host_parts.compiled", missing)
    with pytest.raises(ConfigError, match=r"pip install 'chatd\[moderation\]'"):
        await RunningDaemon(config_for(tmp_path, moderation=ON)).start()


async def test_messages_of_phones_and_of_the_api_are_screened_and_the_hosts_own_are_not(moderated):
    await put(moderated, "hate", words=["vile"])
    await put(moderated, "mild", does="mask", words=["darn"])
    clients = Clients(moderated.url)
    room, (ann, _) = await clients.in_group("ann", "bob")
    refused = await ann.reply_to(
        {"type": "send", "room": room, "key": new_key(), "body": {"text": "so vile"}}
    )
    assert (refused["code"], refused["reason"], refused["retry"]) == ("rejected", "hate", "never")
    reply = await ann.send(room, "darn it")
    assert reply["event"]["body"]["text"] == "**** it"
    await clients.leave()
    path = f"/v1/rooms/{room}/messages"
    sent = {"as": "ann", "key": new_key(), "body": {"text": "vile"}}
    problem = (await moderated.api("POST", path, **sent)).json
    assert (problem["code"], problem["status"], problem["reason"]) == ("rejected", 403, "hate")
    posted = (await moderated.api("POST", path, **sent, screen=False)).json
    edit = {"as": "ann", "body": {"text": "darn"}}
    patched = await moderated.api("PATCH", f"{path}/{posted['seq']}", **edit)
    assert patched.json["event"]["body"]["text"] == "****"
    notice = {"key": new_key(), "body": {"text": "vile"}}
    assert (await moderated.api("POST", f"/v1/rooms/{room}/notices", **notice)).status == 200
