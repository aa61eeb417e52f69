"""The life cycle against a server that closes in every way there is."""

import asyncio
import http
import json

import pytest

from chatd.client import Client, Closed, MemoryStorage, Phase, Settings, StateChanged, Timing, Unreachable
from tests.kit.waiting import until

WORDS = [
    *("account", "people", "reports", "bots", "push", "media"),
    *("groups", "drafts", "channels", "search", "discovery"),
]


@pytest.fixture
def phases():
    """Collect the phases of a client from now on."""

    def collect(client):
        seen = []
        client.subscribe(
            lambda change: seen.append(change.phase) if isinstance(change, StateChanged) else None
        )
        return seen

    return collect


async def timer(env, expected):
    """Wait until a timer of this length is set."""
    await until(lambda: expected in env.delays)


def tokens(*answers):
    """A callback that gives one answer after the other, and the list of what is left."""
    left = list(answers)

    async def get_token():
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return get_token, left


# --- up


async def test_the_way_to_ready(server, client_of, phases):
    client = client_of(server)
    seen = phases(client)
    await client.start()
    await (await server.accept()).welcome()
    await client.connect()
    assert seen == [
        Phase.CONNECTING,
        Phase.NEED_TOKEN,
        Phase.CONNECTING,
        Phase.HELLO_SENT,
        Phase.READY,
    ]


async def test_the_hello_says_who_and_what(server, client_of, env):
    client = client_of(server, app="Bike 4", os="ios", locale="de-AT", first_page=7)
    await client.start()
    hello = await (await server.accept()).welcome()
    assert hello == {
        "type": "hello",
        "id": 1,
        "version": 1,
        "token": "token",
        "device": env.device(),
        "app": "Bike 4",
        "os": "ios",
        "locale": "de-AT",
        "features": ["deflate", *WORDS],
        "rooms": 7,
    }


async def test_a_reconnect_brings_epoch_and_cursor_and_asks_for_events(connected, server, env):
    _, peer = await connected()
    peer.cut()
    await timer(env, 0.5)
    env.advance(0.5)
    hello = await (await server.accept()).welcome()
    assert (hello["epoch"], hello["cursor"], hello["events"]) == ("e1", "c1", 20)


async def test_json_offers_its_subprotocol_and_no_deflate(server, client_of):
    client = client_of(server, encoding="json")
    await client.start()
    peer = await server.accept()
    assert peer.socket.subprotocol == "chatd.v1.json"
    assert f'"features":{json.dumps(WORDS, separators=(",", ":"))}' in await peer.socket.recv()


# --- down and up again


async def test_attempts_wait_longer_and_longer_and_never_two_at_a_time(server, client_of, env):
    client = client_of(server)
    await client.start()
    for expected in (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        peer = await server.accept()
        peer.cut()
        await timer(env, expected)
        assert client.phase is Phase.BACKOFF
        assert server.nobody_waits
        env.advance(expected)


async def test_half_a_minute_in_ready_begins_the_backoff_anew(server, client_of, env):
    client = client_of(server)
    await client.start()
    for expected in (0.5, 1.0):
        (await server.accept()).cut()
        await timer(env, expected)
        env.advance(expected)
    peer = await server.accept()
    await peer.welcome()
    await client.connect()
    env.advance(30)
    peer.cut()
    await timer(env, 0.5)


async def test_a_bye_with_retry_after_is_waited_out(connected, env):
    client, peer = await connected()
    await peer.bye(4000, "restart", retry_after=7340)
    await timer(env, 7.34)
    assert client.phase is Phase.BACKOFF


async def test_a_refused_hello_with_retry_after_is_waited_out(server, client_of, env):
    await client_of(server).start()
    peer = await server.accept()
    await peer.refuse(await peer.next(), "rate_limited", "later", retry_after=9000)
    peer.cut()
    await timer(env, 9.0)


async def test_nobody_there_is_waited_out(client_of, env, phases):
    client = client_of("ws://127.0.0.1:1/v1/ws")
    seen = phases(client)
    await client.start()
    await timer(env, 0.5)
    assert seen[-1] is Phase.BACKOFF
    with pytest.raises(Unreachable):
        await client.connect(timeout=0)


async def test_our_own_fault_waits_from_the_whole_cap(connected, env, caplog):
    _, peer = await connected()
    await peer.socket.close(1002)
    await timer(env, 30.0)
    assert "a fault of this client" in caplog.text


async def test_moved_goes_there_from_now_on_and_back_if_nobody_is_there(connected, server, env):
    _, peer = await connected()
    await peer.bye(4004, "moved", to="ws://127.0.0.1:1/v1/ws")
    await timer(env, 0.5)
    env.advance(0.5)
    await timer(env, 1.0)
    env.advance(1.0)
    await (await server.accept()).welcome()


async def test_resync_drops_the_cursor(connected, server, env):
    _, peer = await connected()
    await peer.bye(4005, "resync")
    await timer(env, 0.5)
    env.advance(0.5)
    hello = await (await server.accept()).expect("hello")
    assert "cursor" not in hello


async def test_a_bad_cursor_without_bye_drops_the_cursor_too(connected, server, env):
    _, peer = await connected()
    peer.cut()
    await timer(env, 0.5)
    env.advance(0.5)
    peer = await server.accept()
    await peer.refuse(await peer.next(), "bad_cursor", "after_sync")
    peer.cut()
    await timer(env, 1.0)
    env.advance(1.0)
    assert "cursor" not in await (await server.accept()).expect("hello")


async def test_slow_asks_for_smaller_pages(connected, server, env):
    _, peer = await connected()
    for size, pause in ((15, 0.5), (10, 1.0), (10, 2.0)):
        await peer.bye(4002, "slow")
        await timer(env, pause)
        env.advance(pause)
        peer = await server.accept()
        assert (await peer.welcome())["rooms"] == size


async def test_a_packet_that_cannot_be_handled_costs_the_connection_only(connected, env, caplog):
    client, peer = await connected()
    await peer.push({"type": "event", "room": "r", "events": [{"no": "seq"}]})
    await timer(env, 0.5)
    assert client.phase is Phase.BACKOFF
    assert "a packet could not be handled" in caplog.text


# --- the end


@pytest.mark.parametrize(
    ("code", "reason"),
    [(4201, "revoked"), (4202, "banned"), (4203, "version"), (4204, "protocol"), (4299, "")],
)
async def test_final_closes_stop_for_good(connected, server, env, watch, code, reason):
    client, peer = await connected()
    changes = watch(client)
    await peer.bye(code, reason)
    stopped = await changes.until(StateChanged, phase=Phase.STOPPED)
    assert (stopped.code, stopped.reason) == (code, reason)
    await client.resume()
    assert client.phase is Phase.STOPPED
    with pytest.raises(Closed):
        await client.call({"type": "ping"})


@pytest.mark.parametrize("code", [4200, 4205])
async def test_replaced_stops_until_the_foreground(connected, server, watch, code):
    client, peer = await connected()
    changes = watch(client)
    await peer.bye(code)
    await changes.until(StateChanged, phase=Phase.STOPPED)
    client.network_changed()
    assert server.nobody_waits
    client.foreground()
    await (await server.accept()).welcome()
    await client.connect()


async def test_a_hello_refused_for_good_stops_even_without_a_bye(server, client_of, watch):
    client = client_of(server)
    changes = watch(client)
    await client.start()
    peer = await server.accept()
    await peer.refuse(await peer.next(), "bad_request", "never")
    peer.cut()
    assert (await changes.until(StateChanged, phase=Phase.STOPPED)).reason == "bad_request"


async def test_connecting_raises_why_it_is_not_wanted(server, client_of):
    client = client_of(server)
    connecting = asyncio.create_task(client.connect())
    peer = await server.accept()
    await peer.expect("hello")
    await peer.bye(4202, "banned")
    with pytest.raises(Closed, match="4202 banned"):
        await connecting


async def test_a_storage_of_another_user_stops(server, client_of, watch):
    storage = MemoryStorage()
    first = client_of(server, storage=storage)
    await first.start()
    await (await server.accept()).welcome(user="ann")
    await first.connect()
    await first.close()
    second = client_of(server, storage=storage)
    changes = watch(second)
    await second.start()
    await (await server.accept()).welcome(user="bob")
    await changes.until(StateChanged, phase=Phase.STOPPED, code=4299)
    assert second.user == "ann"


async def test_closing_ends_everything(connected, env):
    client, peer = await connected()
    stream = client.changes()
    await client.close()
    assert await peer.gone() == 1000
    assert client.phase is Phase.STOPPED
    assert [change.phase async for change in stream] == [Phase.STOPPED]
    assert env.delays == []


async def test_a_stop_while_waiting_ends_the_waiting(client_of, env):
    client = client_of("ws://127.0.0.1:1/v1/ws")
    await client.start()
    await timer(env, 0.5)
    await client.close()
    assert env.delays == []


async def test_leaving_the_block_closes_even_if_it_never_connected(server):
    async def get_token():
        return "t"

    async def use():
        async with Client(server.url, get_token, settings=Settings()):
            raise AssertionError("never ready")

    using = asyncio.create_task(use())
    peer = await server.accept()
    using.cancel()
    with pytest.raises(asyncio.CancelledError):
        await using
    await peer.gone()


@pytest.mark.parametrize("url", ["http://x/v1/ws", "ws://", "x", ""])
def test_an_address_that_is_none_is_refused_at_once(url):
    with pytest.raises(ValueError, match="address"):
        Client(url, tokens("t")[0])


async def test_a_bye_to_an_address_that_is_none_goes_back_to_the_old_one(connected, server, env):
    _, peer = await connected()
    await peer.bye(4004, "moved", to="nonsense")
    for pause in (0.5, 1.0):
        await timer(env, pause)
        env.advance(pause)
    await (await server.accept()).welcome()


async def test_a_fault_in_the_client_itself_is_logged_and_stops(server, client_of, watch, caplog):
    client = client_of(server)
    changes = watch(client)
    client._engine.lifecycle._tokens.usable = None
    await client.start()
    await changes.until(StateChanged, phase=Phase.STOPPED, code=1011)
    assert "the life cycle failed" in caplog.text


# --- tokens


async def test_an_expired_token_is_replaced_and_not_shown_again(server, client_of):
    get_token, _ = tokens("old", "new")
    client = client_of(server, token=get_token)
    await client.start()
    peer = await server.accept()
    hello = await peer.expect("hello")
    await peer.refuse(hello, "token_expired", "after_auth")
    await peer.bye(4100, "token_expired")
    hello = await (await server.accept()).welcome()
    assert hello["token"] == "new"
    assert client.phase


async def test_a_token_is_fetched_when_one_may_be_good(server, client_of, env):
    """After a revocation: one that is signed sooner is refused as well."""
    get_token, left = tokens("first", "second")
    client = client_of(server, token=get_token)
    await client.start()
    peer = await server.accept()
    await peer.expect("hello")
    await peer.bye(4100, "token_expired", retry_after=29_000)
    await timer(env, 29.0)
    assert left == ["second"]
    env.advance(30)
    assert (await (await server.accept()).welcome())["token"] == "second"


async def test_a_callback_that_repeats_an_expired_token_is_asked_again_later(server, client_of, env, phases):
    get_token, left = tokens("old", "old", "new")
    client = client_of(server, token=get_token)
    seen = phases(client)
    await client.start()
    peer = await server.accept()
    await peer.expect("hello")
    await peer.bye(4100, "token_expired")
    await timer(env, 0.5)
    assert (seen[-1], left) == (Phase.NEED_TOKEN, ["new"])
    env.advance(0.5)
    assert (await (await server.accept()).expect("hello"))["token"] == "new"


async def test_a_failing_callback_is_asked_again_later(server, client_of, env):
    get_token, _ = tokens(RuntimeError("offline"), "new")
    await client_of(server, token=get_token).start()
    await timer(env, 0.5)
    env.advance(0.5)
    assert (await (await server.accept()).expect("hello"))["token"] == "new"


async def test_a_second_invalid_token_stops(server, client_of, watch):
    get_token, _ = tokens("a", "b", "c")
    client = client_of(server, token=get_token)
    changes = watch(client)
    await client.start()
    for expected in "ab":
        peer = await server.accept()
        assert (await peer.expect("hello"))["token"] == expected
        await peer.bye(4101, "token_invalid")
    await changes.until(StateChanged, phase=Phase.STOPPED, code=4101)


async def test_tokens_refused_again_and_again_are_not_fetched_in_a_loop(server, client_of, env):
    get_token, left = tokens("a", "b", "c")
    await client_of(server, token=get_token).start()
    for _ in range(2):
        peer = await server.accept()
        await peer.expect("hello")
        await peer.bye(4100, "token_expired")
    await timer(env, 0.5)
    assert left == ["c"]


async def test_a_good_token_is_kept_for_the_next_connection_until_it_expires(server, client_of, env):
    get_token, _ = tokens("a", "b")
    await client_of(server, token=get_token).start()
    peer = await server.accept()
    await peer.welcome(token_ttl=100)
    await peer.barrier()
    peer.cut()
    await timer(env, 0.5)
    env.advance(0.5)
    peer = await server.accept()
    assert (await peer.welcome(token_ttl=100))["token"] == "a"
    await peer.barrier()
    peer.cut()
    await timer(env, 1.0)
    env.advance(120)
    assert (await (await server.accept()).expect("hello"))["token"] == "b"


# --- background, suspension, network


async def test_suspending_says_background_closes_1001_and_sets_no_timer(connected, env, server):
    client, peer = await connected()
    suspending = asyncio.create_task(client.suspend())
    assert (await peer.expect("mode"))["mode"] == "background"
    assert await peer.gone() == 1001
    await suspending
    assert (client.phase, env.delays) == (Phase.SUSPENDED, [])
    await client.resume()
    hello = await (await server.accept()).welcome()
    assert "mode" not in hello


async def test_suspending_while_waiting_ends_the_waiting(client_of, env):
    client = client_of("ws://127.0.0.1:1/v1/ws")
    await client.start()
    await timer(env, 0.5)
    await client.suspend()
    assert (client.phase, env.delays) == (Phase.SUSPENDED, [])


async def test_the_mode_brings_its_heartbeat_and_is_said_in_every_hello(connected, server, env):
    client, peer = await connected()
    client.background()
    await peer.ok(await peer.expect("mode"), heartbeat=240)
    await peer.barrier()
    env.advance(100)
    assert client.phase is Phase.READY
    peer.cut()
    await timer(env, 0.5)
    env.advance(0.5)
    assert (await (await server.accept()).expect("hello"))["mode"] == "background"


async def test_a_mode_that_is_refused_for_now_is_said_again(connected, env):
    client, peer = await connected()
    client.background()
    await peer.refuse(await peer.expect("mode"), "rate_limited", "later", retry_after=3000)
    await peer.barrier()
    env.advance(3)
    assert (await peer.expect("mode"))["mode"] == "background"


async def test_in_background_the_backoff_goes_on_to_its_higher_cap(client_of, env):
    client = client_of("ws://127.0.0.1:1/v1/ws")
    client.background()
    await client.start()
    for expected in [0.5 * 2**k for k in range(10)] + [450.0]:
        await timer(env, expected)
        env.advance(expected)


async def test_a_usable_network_ends_the_waiting_but_for_some_jitter(server, client_of, env):
    client = client_of(server, timing=Timing(wake_jitter_s=0.2))
    await client.start()
    for _ in range(5):  # and the backoff never grows
        (await server.accept()).cut()
        await timer(env, 0.5)
        client.network_changed()
        await timer(env, 0.1)
        env.advance(0.1)
    await (await server.accept()).welcome()


async def test_the_foreground_ends_the_waiting_too(server, client_of, env):
    client = client_of(server, timing=Timing(wake_jitter_s=0.2))
    client.background()
    await client.start()
    (await server.accept()).cut()
    await timer(env, 0.5)
    client.foreground()
    await timer(env, 0.1)
    env.advance(0.1)
    assert "mode" not in await (await server.accept()).expect("hello")


async def until_backoff(client):
    await until(lambda: client.phase is Phase.BACKOFF)


async def test_a_network_change_probes_a_living_connection(connected, env):
    client, peer = await connected()
    client.network_changed()
    await peer.expect("ping")
    env.advance(5)
    await peer.gone()
    await until_backoff(client)


async def test_coming_back_to_a_living_connection_probes_it_and_syncs(connected, env):
    client, peer = await connected()
    env.advance(6)
    resuming = asyncio.create_task(client.resume())
    await peer.ok(await peer.expect("mode"), heartbeat=30)
    await peer.ok(await peer.expect("ping"), time=1)
    sync = await peer.expect("sync")
    assert (sync["cursor"], sync["rooms"]) == ("c1", 200)
    await peer.ok(sync, rooms=[{"room": "r", "seq": 3}], cursor="c2")
    await resuming
    assert list(client.rooms) == ["r"]


# --- the network in between


@pytest.mark.parametrize(
    ("status", "headers", "delay"),
    [(302, {"Location": "http://portal.example/"}, 30.0), (503, {"Retry-After": "17"}, 17.0)],
)
async def test_an_answer_that_is_no_upgrade_is_a_portal_or_a_full_server(
    env, client_of, status, headers, delay
):
    async def answer(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        lines = [
            f"HTTP/1.1 {status} {http.HTTPStatus(status).phrase}",
            "Content-Length: 0",
            "Connection: close",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items() if name != "Location"]
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        client = client_of(f"ws://127.0.0.1:{port}/v1/ws")
        await client.start()
        await timer(env, delay)
        await client.close()
