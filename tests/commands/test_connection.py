import pytest

from chatd.auth.interface import Claims
from chatd.commands.connection import HelloRejected, Identified, age, checked
from chatd.core.accounts import Amend, RecordDevice
from chatd.core.users import Account, DeviceSeen
from chatd.protocol.users import DevicesRemove
from tests.kit.inprocess import device_of, in_process, refusal, refused

MARK_MS = 1_000_500  # of a revocation, half a second behind a full one
LEEWAY_S = 30


@pytest.mark.parametrize(
    ("claims", "answer"),
    [
        ({}, "older"),  # without a time
        ({"issued_at_s": 999.9}, "older"),
        ({"issued_at_s": 1000}, "unclear"),  # of the same second
        ({"issued_at_s": 1000.6}, "unclear"),
        ({"issued_at_s": 1030.5}, "unclear"),  # of a clock ahead by all of the leeway
        ({"issued_at_s": 1030.6}, "younger"),
        ({"generation": MARK_MS - 1, "issued_at_s": 2000}, "older"),
        ({"generation": MARK_MS, "issued_at_s": 1}, "younger"),
    ],
)
def test_a_token_is_older_than_a_revocation_or_younger_or_it_is_not_known(claims, answer):
    assert age(Claims("ann", 4e9, **claims), MARK_MS, LEEWAY_S) == answer


DEVICE = device_of(1)
OLD = {"issued_at_s": 999.0}
REVOKED, INVALID, EXPIRED = 4201, 4101, 4100


@pytest.mark.parametrize(
    ("claims", "account", "device", "code"),
    [
        (OLD, None, None, None),
        (OLD, {}, {}, None),
        (OLD, {"revoked_before": MARK_MS, "generation": MARK_MS}, None, REVOKED),
        ({**OLD, "device": DEVICE}, {"revoked_before": MARK_MS, "generation": MARK_MS}, None, REVOKED),
        (OLD, {"generation": MARK_MS}, {"revoked_before": MARK_MS}, REVOKED),
        ({**OLD, "device": DEVICE}, {"generation": MARK_MS}, {"revoked_before": MARK_MS}, REVOKED),
        (OLD, {"generation": MARK_MS}, None, INVALID),  # bound to no device, one of which was revoked
        ({**OLD, "device": DEVICE}, {"generation": MARK_MS}, None, None),
        ({"issued_at_s": 1000.0}, {"generation": MARK_MS}, {"revoked_before": 5000}, EXPIRED),
        ({"issued_at_s": 1000.0}, {"revoked_before": MARK_MS, "generation": 2_000_000}, None, INVALID),
        ({"issued_at_s": 1000.0, "generation": 2_000_000}, {"generation": 2_000_000}, None, None),
    ],
)
async def test_a_token_is_judged_by_every_mark_that_concerns_it(server, claims, account, device, code):
    row = None if account is None else Account("ann", **account)
    seen = None if device is None else DeviceSeen("ann", DEVICE, **device)
    known = Identified(Claims("ann", 4e9, **claims), row, seen)
    if code is None:
        assert checked(server.app.context, known) is known
        return
    with pytest.raises(HelloRejected) as rejected:
        checked(server.app.context, known)
    assert rejected.value.code == code


async def test_a_token_from_before_a_revocation_is_refused(server):
    old = Claims("ann", 4e9, issued_at_s=server.env.now_ms() / 1000)
    server.identity.claims["old"] = old
    server.env.advance(10)
    await server.app.host.admin.revoke("ann")
    assert (await refused(server, "old"))[1:] == ("revoked", 4201)
    server.env.advance(40)
    await server.connect("ann")


async def test_no_clock_takes_a_token_over_a_revocation(server):
    """Its time lies ahead, within what clocks may differ: it was let in, and must not be younger than what ends it."""
    now_s = server.env.now_ms() / 1000
    server.identity.claims["ahead"] = Claims("ann", 4e9, issued_at_s=now_s + 25)
    await server.connect("ahead")
    server.env.advance(0.5)
    await server.app.host.admin.revoke("ann")
    for passed in (0, 10, 20, 1000):
        server.env.advance(passed)
        client = server.client()
        client.say_hello("ahead")
        await server.wait_idle()
        assert refusal(client) == ("token_expired", "token_expired", 4100)


async def test_a_token_right_behind_a_revocation_is_good_when_it_says_so_and_else_when_it_was_waited_for(
    server,
):
    generation = await server.app.host.admin.revoke("ann")
    now_s = server.env.now_ms() / 1000
    server.identity.claims["told"] = Claims("ann", 4e9, issued_at_s=now_s, generation=generation)
    assert (await server.connect("told")).session.user == "ann"
    client = server.client()
    client.say_hello("ann")
    await server.wait_idle()
    error, bye = client.wire.packets
    assert (error["code"], error["retry"], bye["close"]) == ("token_expired", "after_auth", 4100)
    assert error["retry_after"] == bye["retry_after"] == 31_000
    server.env.advance(error["retry_after"] / 1000)
    await server.connect("ann")  # with a token of now


async def test_a_clock_that_was_set_back_after_a_revocation_makes_nobody_wait_for_it(server):
    mark_ms = server.env.now_ms() + 3_600_000
    known = Identified(
        Claims("ann", 4e9, issued_at_s=mark_ms / 1000 + 1), Account("ann", revoked_before=mark_ms), None
    )
    with pytest.raises(HelloRejected) as rejected:
        checked(server.app.context, known)
    assert rejected.value.refusal.retry_after == 31_000


async def test_a_revocation_of_a_device_leaves_tokens_of_the_others(server):
    issued_at_s = server.env.now_ms() / 1000
    for number in (1, 2):
        own = Claims("ann", 4e9, issued_at_s=issued_at_s, device=device_of(number))
        server.identity.claims[f"own{number}"] = own
    other = await server.connect("own2", device=2)
    server.env.advance(10)
    await server.app.host.admin.revoke("ann", device_of(1))
    assert (await refused(server, "own1", device=1))[1:] == ("revoked", 4201)
    assert other.wire.closed_with is None
    await server.connect("own2", device=2)


@pytest.mark.parametrize("verb", ["revoke", "devices.remove"])
async def test_whoever_has_a_revoked_device_cannot_name_another(server, verb):
    """A token bound to no device is refused on all of them, and what it opened is closed."""
    issued_at_s = server.env.now_ms() / 1000
    server.identity.claims["old"] = Claims("ann", 4e9, issued_at_s=issued_at_s)
    server.identity.claims["own"] = Claims("ann", 4e9, issued_at_s=issued_at_s, device=device_of(9))
    lost, disguised = await server.connect("old", device=1), await server.connect("old", device=2)
    owner = await server.connect("own", device=9)
    server.env.advance(10)
    if verb == "revoke":
        await server.app.host.admin.revoke("ann", device_of(1))
    else:
        assert (await owner.request(type=verb, device=device_of(1)))["type"] == "ok"
        server.env.advance(0)
    assert lost.wire.closed_with == (4201, "revoked")
    assert disguised.wire.closed_with == (4101, "token_invalid")
    assert owner.wire.closed_with is None
    assert (await refused(server, "old", device=3))[1:] == ("token_invalid", 4101)


async def test_a_revoked_token_takes_nothing_from_the_rate_of_its_user(tmp_path):
    rates = {"hello_user_per_min": 2, "hello_address_per_min": 100}
    async with in_process(tmp_path, rates=rates) as server:
        server.identity.claims["stolen"] = Claims("ann", 4e9, issued_at_s=server.env.now_ms() / 1000)
        server.env.advance(10)
        await server.app.host.admin.revoke("ann")
        server.env.advance(60)
        for _ in range(20):
            assert (await refused(server, "stolen"))[1:] == ("revoked", 4201)
        for device in (1, 2):
            await server.connect("ann", device=device)
        assert (await refused(server, "ann"))[0] == "rate_limited"
        before = server.store.calls.copy()
        assert (await refused(server, "stolen"))[1:] == ("revoked", 4201), (
            "though nothing is left of the rate"
        )
        assert (await refused(server, "ann"))[0] == "rate_limited"
        assert "hello" not in server.store.calls - before, "nothing is read for who comes too often"


async def test_a_fresh_token_is_put_in_force(server):
    ann = await server.connect("ann")
    server.env.advance(20)
    assert (await ann.request(type="auth", token="ann"))["token_ttl"] == 3600


@pytest.mark.parametrize("claims", [Claims("bob", 4e9), Claims("ann", 4e9, device=device_of(9))])
async def test_a_fresh_token_is_of_the_same_user_and_device(server, claims):
    ann = await server.connect("ann")
    server.identity.claims["fresh"] = claims
    reply = await ann.request(type="auth", token="fresh")
    assert (reply["code"], ann.wire.closed_with) == ("auth_mismatch", None)
    assert ann.session.claims.user == "ann"


@pytest.mark.parametrize(("before", "after"), [({"read", "send"}, {"send"}), ({"send"}, {"read", "send"})])
async def test_a_fresh_token_reads_when_the_one_before_did(server, before, after):
    server.identity.claims["ann"] = Claims("ann", 4e9, allow=frozenset(before))
    server.identity.claims["fresh"] = Claims("ann", 4e9, allow=frozenset(after))
    ann = await server.connect("ann")
    assert (await ann.request(type="auth", token="fresh"))["code"] == "auth_mismatch"
    assert (await ann.request(type="auth", token="ann"))["type"] == "ok"


async def test_a_token_that_is_revoked_while_it_is_put_in_force_is_refused(server):
    """It was read before the revocation was stored, and is bound to no device; the connection is, and goes on."""
    now_s = server.env.now_ms() / 1000
    server.identity.claims["bound"] = Claims("ann", 4e9, issued_at_s=now_s, device=device_of(1))
    server.identity.claims["fresh"] = Claims("ann", 4e9, issued_at_s=now_s)
    ann = await server.connect("bound")
    hold = server.store.hold("people", after=True)
    id = ann.send_request(type="auth", token="fresh")
    await hold.reached.wait()
    server.env.advance(5)
    await server.app.host.admin.revoke("ann", device_of(2))
    hold.release()
    await server.wait_idle()
    assert ann.reply(id)["code"] == "token_invalid"
    assert (ann.wire.closed_with, ann.session.claims.device) == (None, device_of(1))


async def test_a_fresh_token_that_is_no_good_changes_nothing(server):
    ann = await server.connect("ann")
    reply = await ann.request(type="auth", token="bad")
    assert (reply["code"], reply["retry"], ann.wire.closed_with) == ("token_invalid", "after_auth", None)


async def test_the_mode_changes_the_heartbeat(server):
    ann = await server.connect("ann")
    assert (await ann.request(type="mode", mode="background"))["heartbeat"] == 240
    assert (await ann.request(type="mode", mode="foreground"))["heartbeat"] == 30


async def test_a_ping_tells_the_time(server):
    ann = await server.connect("ann")
    assert (await ann.request(type="ping"))["time"] == server.env.now_ms()


async def test_the_end_of_a_removed_device_does_not_bring_it_back(server):
    ann = await server.connect("ann", device=1)
    gone = await server.connect("ann", device=2)
    await ann.request(type="devices.remove", device=device_of(2))
    gone.hang_up()
    await server.wait_idle()
    assert [row["device"] for row in (await ann.request(type="devices.list"))["devices"]] == [device_of(1)]


async def test_a_device_that_was_revoked_before_it_ever_came_is_not_listed(server):
    server.identity.claims["own"] = Claims("ann", 4e9, device=device_of(1))
    ann = await server.connect("own", device=1)
    await server.app.host.admin.revoke("ann", device_of(2))
    (row,) = (await ann.request(type="devices.list"))["devices"]
    assert (row["device"], row["last_seen"] > 0) == (device_of(1), True)


async def test_decisions_of_people_reach_the_store(server):
    writer = server.app.writer
    await writer.submit_and_wait("ann", RecordDevice(device_of(3), "app", "os"))
    await writer.submit_and_wait("ann", Amend(name="Ann"))
    await writer.submit_and_wait("ann", DevicesRemove(device=device_of(3)))
    row = await server.store.device("ann", device_of(3))
    assert (row.app, row.removed, row.revoked_before) == ("app", True, server.env.now_ms())
    assert (await server.store.account("ann")).name == "Ann"
