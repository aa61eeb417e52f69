"""Reports over real sockets: what is kept as evidence, who may report what, and that nobody else learns of it."""

from typing import Any

import pytest

from tests.kit import http
from tests.kit.client import TestClient, fresh_key
from tests.kit.clients import Clients
from tests.kit.daemon import RunningDaemon

pytestmark = pytest.mark.settings(moderation={"enabled": True})


def report_of(**fields: Any) -> dict[str, Any]:
    return {"type": "report", "key": fresh_key(), "reason": "abuse", **fields}


async def file(client: TestClient, **fields: Any) -> str:
    reply = await client.request(report_of(**fields))
    return str(reply["report"])


async def shown(daemon: RunningDaemon, name: str) -> Any:
    answer = await daemon.api("GET", f"/v1/reports/{name}")
    assert answer.status == 200, answer.body
    return answer.json


def texts(report: Any) -> list[str | None]:
    return [event.get("body", {}).get("text") for event in report["evidence"]["messages"]]


async def test_the_evidence_survives_edit_and_recall(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    seqs = [(await alice.send(room, f"text {n}"))["seq"] for n in range(14)]
    name = await file(bob, room=room, seq=seqs[7], text="see this")
    for seq in seqs[6:9]:
        await alice.edit(room, seq, "nothing to see")
        await alice.recall(room, seq)
    report = await shown(daemon, name)
    assert texts(report) == [f"text {n}" for n in range(2, 13)]
    about = {"user": "alice", "room": room, "seq": seqs[7]}
    assert {key: report[key] for key in about} == about
    assert (report["reporter"], report["reason"], report["text"]) == ("bob", "abuse", "see this")
    assert (report["state"], report["reporters"], report["evidence"]["title"]) == ("open", 1, "a group")


async def test_the_evidence_is_what_the_reporter_may_see(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    await alice.send(room, "before carl")
    carl = await clients.connect("carl")
    await alice.mutate("members.add", room, users=["carl"])
    sent = await alice.send(room, "to all three")
    assert texts(await shown(daemon, await file(carl, room=room, seq=sent["seq"]))) == ["to all three"]


async def test_a_report_is_filed_once(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    seq = (await alice.send(room, "words"))["seq"]
    packet = report_of(room=room, seq=seq)
    first = await bob.request(packet)
    assert "duplicate" not in first
    again = await bob.request(packet)
    assert (again["report"], again["duplicate"]) == (first["report"], True)
    other = await bob.request(report_of(room=room, seq=seq, reason="spam"))
    assert (other["report"], other["duplicate"]) == (first["report"], True)
    error = await bob.expect_refusal("conflict", {**packet, "reason": "spam"})
    assert error["field"] == "key"
    assert (await daemon.api("PATCH", f"/v1/reports/{first['report']}", state="closed")).status == 200
    assert "duplicate" not in await bob.request(report_of(room=room, seq=seq))


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({}, "bad_request", "user"),
        ({"room": "ROOM", "user": "alice"}, "bad_request", "user"),
        ({"user": "alice", "seq": 1}, "bad_request", "seq"),
        ({"user": "bob"}, "bad_request", "user"),
        ({"room": "ROOM", "seq": 1}, "not_found", "seq"),
        ({"room": "ROOM", "seq": 3}, "bad_request", "seq"),
        ({"room": "ROOM", "seq": 99}, "not_found", "seq"),
        ({"user": "alice", "reason": "dull"}, "bad_request", "reason"),
        ({"user": "alice", "text": "x" * 1001}, "too_large", "text"),
        ({"room": "g00000000000"}, "not_found", None),
    ],
)
async def test_what_cannot_be_reported_is_refused(
    clients: Clients, daemon: RunningDaemon, fields: dict[str, Any], code: str, field: str | None
) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    await alice.send(room, "words")
    assert (await bob.send(room, "own words"))["seq"] == 3
    named = {key: room if value == "ROOM" else value for key, value in fields.items()}
    error = await bob.expect_refusal(code, report_of(**named))
    assert error.get("field") == field
    assert (await daemon.api("GET", "/v1/reports")).json == {"reports": []}


async def test_a_report_of_a_user_does_not_tell_who_exists(daemon: RunningDaemon, clients: Clients) -> None:
    alice = await clients.connect("alice")
    await daemon.api("PUT", "/v1/users/known", name="Known")
    replies = [await alice.request(report_of(user=user)) for user in ("known", "nobody")]
    frames = [alice.link.frames_received[-2], alice.link.frames_received[-1]]
    assert len({len(frame) for frame in frames}) == 1
    assert [reply["report"] for reply in replies] == ["r1", "r2"]
    strip = [{k: v for k, v in reply.items() if k not in ("id", "report")} for reply in replies]
    assert strip[0] == strip[1]


async def test_who_is_no_member_learns_nothing_of_a_room(clients: Clients, daemon: RunningDaemon) -> None:
    room, (alice, _) = await clients.in_group("alice", "bob")
    seq = (await alice.send(room, "words"))["seq"]
    mallory = await clients.connect("mallory")
    for there, missing in (
        (report_of(room=room), report_of(room="g00000000000")),
        (report_of(room=room, seq=seq), report_of(room="g00000000000", seq=seq)),
    ):
        one = await mallory.expect_refusal("not_found", there)
        other = await mallory.expect_refusal("not_found", missing)
        assert {**one, "id": 0} == {**other, "id": 0}


async def test_the_reported_one_hears_nothing(clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    seq = (await alice.send(room, "words"))["seq"]
    await bob.next_event(room)
    for fields in ({"room": room, "seq": seq}, {"room": room}, {"user": "alice"}):
        await file(bob, **fields)
    await alice.expect_silence()


async def test_the_queue_begins_with_those_whom_most_have_reported(
    daemon: RunningDaemon, clients: Clients
) -> None:
    ann, ben, cleo = await clients.connect_all("ann", "ben", "cleo")
    await file(ann, user="once")
    for room in ("a", "b", "c"):
        await file(ann, user=f"spread-{room}")
    for client in (ann, ben, cleo):
        await file(client, user="often")
    for client in (ben, cleo):
        await file(client, user="twice")
    first = (await daemon.api("GET", "/v1/reports?limit=4")).json
    rest = (await daemon.api("GET", f"/v1/reports?limit=200&more={first['more']}")).json
    users = [row["user"] for row in (*first["reports"], *rest["reports"])]
    assert users == [*["often"] * 3, *["twice"] * 2, "once", "spread-a", "spread-b", "spread-c"]
    assert "more" not in rest
    assert [row["reporters"] for row in first["reports"]] == [3, 3, 3, 2]


@pytest.mark.settings(moderation={"enabled": False})
async def test_where_it_is_off_reports_are_not_supported(clients: Clients) -> None:
    alice = await clients.open("alice")
    assert (await alice.say_hello(features=["reports"]))["features"] == []
    await alice.expect_refusal("not_supported", report_of(user="bob"))


async def test_all_that_is_done_about_a_report_is_one_commit(daemon: RunningDaemon, clients: Clients) -> None:
    room, (alice, bob) = await clients.in_group("alice", "bob")
    seq = (await alice.send(room, "give me your card"))["seq"]
    name = await file(bob, room=room, seq=seq)
    stamp = daemon.app.store.stamp
    actions = [
        {"do": "recall"},
        {"do": "warn", "body": {"text": "Do not ask for cards."}},
        {"do": "limit", "until": 1, "reason": "fraud"},
    ]
    path = f"/v1/reports/{name}"
    answer = await daemon.api("PATCH", path, state="closed", note="clear", actions=actions)
    assert answer.status == 200, answer.body
    assert daemon.app.store.stamp == stamp + 1
    report = answer.json
    assert (report["state"], report["note"], report["reporters"]) == ("closed", "clear", 0)
    assert [one["do"] for one in report["actions"]] == ["recall", "warn", "limit"]
    assert {one["by"] for one in report["actions"]} == {"socket"}
    for client in (alice, bob):
        assert (await client.next_event(room, "recall"))["target"] == seq
    warning = (await alice.receive("room"))["summary"]
    event = await alice.next_event(warning["room"], "message")
    assert (event["user"], event["body"]) == ("system", {"text": "Do not ask for cards."})
    assert (await daemon.api("GET", "/v1/users/alice/restriction")).json["what"] == "limit"
    assert (await daemon.api("PATCH", path, state="closed", actions=actions)).json == report
    assert daemon.app.store.stamp == stamp + 2  # the entry in the audit
    await alice.expect_silence("event")


async def test_an_action_that_cannot_be_carried_out_leaves_all_as_it_is(
    daemon: RunningDaemon, clients: Clients
) -> None:
    alice = await clients.connect("alice")
    room = await alice.create_group("spam")
    path = f"/v1/reports/{await file(alice, room=room)}"
    before = (await daemon.api("GET", path)).json
    ban = {"do": "ban", "user": "u1", "until": 1}
    for wrong, field in (
        ({"do": "recall", "seq": 77}, "actions[1].seq"),
        ({"do": "mute", "until": 1}, "actions[1].user"),
        ({"do": "warn", "body": {"text": "x"}}, "actions[1].user"),
        ({"do": "warn", "user": "system", "body": {"text": "x"}}, "actions[1].user"),
        ({"do": "ban", "until": 1000}, "until"),
        ({"do": "scold"}, "actions[1].do"),
    ):
        problem = (await daemon.api("PATCH", path, state="closed", actions=[ban, wrong])).json
        assert problem["code"] in ("bad_request", "not_found"), problem
        if field.startswith("actions[1].") and wrong["do"] != "scold":
            assert problem["field"] == field
    assert (await daemon.api("GET", path)).json == before
    assert (await daemon.api("GET", "/v1/users/u1/restriction")).status == 404


async def test_a_report_that_one_key_has_claimed_is_left_alone_by_others(
    daemon: RunningDaemon, clients: Clients
) -> None:
    path = f"/v1/reports/{await file(await clients.connect('alice'), user='u1')}"
    made = (await daemon.api("POST", "/v1/keys", name="k", scopes=["moderation"])).json
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    claimed = await http.request(daemon.ops_url + path, "PATCH", content={"state": "claimed"}, headers=bearer)
    assert (claimed.json["state"], claimed.json["claimed_by"]) == ("claimed", made["key"]["id"])
    assert (await daemon.api("GET", "/v1/reports")).json["reports"] == []
    (row,) = (await daemon.api("GET", "/v1/reports?state=claimed")).json["reports"]
    assert row["user"] == "u1"
    refused = (await daemon.api("PATCH", path, state="closed")).json
    assert (refused["code"], refused["field"]) == ("conflict", "state")
    given_back = (await daemon.api("PATCH", path, state="open")).json
    assert "claimed_by" not in given_back
    assert (await daemon.api("PATCH", path, state="closed")).json["state"] == "closed"


@pytest.mark.settings(moderation={"enabled": True}, people={"enabled": True})
async def test_a_warning_reaches_whoever_it_is_for(daemon: RunningDaemon, clients: Clients) -> None:
    system, alice = await clients.connect_all("system", "alice")
    await alice.request({"type": "contact.set", "user": "system", "blocked": True})
    path, content = "/v1/users/alice/warnings", {"key": "warning-1", "body": {"text": "Be kind."}}
    first = (await daemon.api("POST", path, **content)).json
    room = (await alice.receive("room"))["summary"]["room"]
    assert (await alice.next_event(room, "message"))["body"] == {"text": "Be kind."}
    assert (await daemon.api("POST", path, **content)).json == {**first, "duplicate": True}
    other = await daemon.api("POST", path, key="warning-1", body={"text": "else"})
    assert (other.status, other.json["field"]) == (409, "key")
    assert (await daemon.api("POST", "/v1/users/system/warnings", **content)).json["field"] == "user"
    await alice.expect_silence("event")
    assert (await system.next_event(room, "message"))["user"] == "system"


@pytest.mark.settings(moderation={"enabled": True}, events={"enabled": True})
async def test_the_event_feed_tells_of_reports_and_restrictions_without_their_text(
    daemon: RunningDaemon, clients: Clients
) -> None:
    alice = await clients.connect("alice")
    name = await file(alice, user="eve", text="a secret")
    ban = {"do": "ban", "until": 1, "reason": "spam"}
    await daemon.api("PATCH", f"/v1/reports/{name}", state="closed", note="a note", actions=[ban])
    answer = await daemon.api("GET", "/v1/events?types=report,account")
    told = [{k: v for k, v in entry.items() if k not in ("id", "time")} for entry in answer.json["events"]]
    assert told == [
        {"type": "report", "report": name, "state": "open"},
        {"type": "account", "user": "eve", "change": "restriction", "by": "socket"},
        {"type": "report", "report": name, "state": "closed", "by": "socket"},
    ]
