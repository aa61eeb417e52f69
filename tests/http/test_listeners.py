"""Listeners from start to stop, on every kind of address."""

import asyncio
import signal
import socket
import ssl
import subprocess
import sys
import textwrap

import pytest
from websockets.asyncio.client import connect, unix_connect

from chatd.http.listeners import Listener, ListenerOptions
from chatd.http.sockets import AddressInUse, ListenError, bound_sockets
from tests.kit.certificates import write_certificate
from tests.kit.echo_server import WAIT_S, echo_server, no_page
from tests.kit.frames import client_frame, upgrade_request

TERMS = ListenerOptions(request_deadline_s=10.0, backlog=16)
SUBPROTOCOLS = ["chatd.v1.msgpack"]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that signs itself, as settings of the section listen."""
    return write_certificate(tmp_path_factory.mktemp("tls") / "both.pem")


def _tls_client(server):
    trust = ssl.create_default_context(cafile=server.config.listen.tls_cert)
    return connect(server.url.replace("ws:", "wss:"), ssl=trust, subprotocols=SUBPROTOCOLS)


class TestStart:
    async def test_on_port_0_the_real_port_can_be_read(self):
        async with echo_server() as server:
            assert server.listener.port > 0
            assert server.listener.address == f"127.0.0.1:{server.listener.port}"

    async def test_on_a_busy_port_is_a_typed_error(self):
        async with echo_server() as server:
            second = Listener(server.listener.address, no_page, TERMS)
            with pytest.raises(AddressInUse, match="is in use by another process"):
                await second.start()
            await second.stop(0.0)

    async def test_on_sockets_of_somebody_else(self):
        sockets = bound_sockets("127.0.0.1:0")
        listener = Listener("ignored", no_page, TERMS)
        await listener.start(sockets)
        assert listener.port == sockets[0].getsockname()[1]
        await _page(*await asyncio.open_connection("127.0.0.1", listener.port))
        await listener.stop(0.0)

    async def test_on_a_unix_socket(self, tmp_path):
        path = tmp_path / "chatd.sock"
        async with echo_server(listen={"address": f"unix:{path}"}) as server:
            assert server.listener.port == 0
            async with unix_connect(str(path), "ws://chat/v1/ws", subprotocols=SUBPROTOCOLS) as client:
                await client.send(b"hi")
                assert await client.recv() == b"hi"
                assert server.last.wire.address == "unix"
        assert not path.exists()

    async def test_a_unix_socket_of_somebody_else_keeps_its_file(self, tmp_path):
        path = tmp_path / "chatd.sock"
        listener = Listener("ignored", no_page, TERMS)
        await listener.start(bound_sockets(f"unix:{path}"))
        await listener.stop(0.0)
        assert path.exists()

    async def test_two_listeners_live_in_one_loop(self):
        ops = Listener("127.0.0.1:0", no_page, TERMS)
        await ops.start()
        async with echo_server() as server:
            await _page(*await asyncio.open_connection("127.0.0.1", ops.port))
            raw = await server.upgrade()
            raw.send(client_frame(b"hi"))
            assert await raw.frame() == (0x82, b"hi")
        await ops.stop(0.0)

    async def test_a_listener_without_connections_answers_upgrades_as_pages(self):
        ops = Listener("127.0.0.1:0", no_page, TERMS)
        await ops.start()
        reader, writer = await asyncio.open_connection("127.0.0.1", ops.port)
        writer.write(upgrade_request())
        assert await reader.readuntil(b"\r\n") == b"HTTP/1.1 200 OK\r\n"
        writer.close()
        await writer.wait_closed()
        await ops.stop(0.0)

    async def test_leaves_the_signals_alone(self):
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        async with echo_server():
            assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


class TestTls:
    async def test_messages_go_both_ways(self, certificate):
        async with echo_server(listen=certificate) as server, _tls_client(server) as client:
            for size in (1, 60_000):
                await client.send(bytes(size))
                assert await client.recv() == bytes(size)

    async def test_a_close_by_us_reaches_the_client(self, certificate):
        async with echo_server(listen=certificate) as server, _tls_client(server) as client:
            await client.send("text")
            await client.wait_closed()
            assert client.close_code == 1003

    async def test_a_client_that_never_shakes_hands_is_cut(self, certificate):
        async with echo_server(listen={**certificate, "request_deadline_s": 0.2}) as server:
            raw = await server.connect()
            assert await raw.rest() == b""

    async def test_silent_clients_push_each_other_out_and_nobody_else(self, certificate, monkeypatch):
        monkeypatch.setattr("chatd.http.listeners.PENDING_SOCKETS_MAX", 3)
        async with echo_server(listen={**certificate, "request_deadline_s": 100.0}) as server:
            async with _tls_client(server) as client:  # upgraded: none of them
                silent = [await server.connect() for _ in range(6)]
                for raw in silent[:3]:
                    assert await raw.rest() == b""
                async with _tls_client(server) as other:
                    await other.send(b"hi")
                    assert await other.recv() == b"hi"
                await client.send(b"still here")
                assert await client.recv() == b"still here"
            assert len(server.listener._options.pending_sockets) == 2
        assert len(server.listener._options.pending_sockets) == 0

    @pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b""])
    async def test_who_cannot_shake_hands_leaves_nothing(self, certificate, said, caplog):
        async with echo_server(listen={**certificate, "request_deadline_s": 100.0}) as server:
            raw = await server.connect()
            raw.send(said)
            raw.writer.write_eof()
            await raw.rest()
            async with asyncio.timeout(WAIT_S):
                while (
                    len(server.listener._options.pending_sockets)
                    or server.listener._server.server_state.connections
                ):
                    await asyncio.sleep(0.01)
        assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []

    async def test_a_stop_waits_for_no_handshake(self, certificate):
        async with echo_server(listen={**certificate, "request_deadline_s": 100.0}) as server:
            raw = await server.connect()
            async with asyncio.timeout(WAIT_S):
                while not len(server.listener._options.pending_sockets):
                    await asyncio.sleep(0.01)
                await server.listener.stop(100.0)
            assert await raw.rest() == b""

    async def test_a_missing_certificate_is_a_typed_error(self, tmp_path):
        options = ListenerOptions(10.0, 16, str(tmp_path / "missing.pem"), str(tmp_path / "missing.pem"))
        with pytest.raises(ListenError, match="cannot load the certificate"):
            await Listener("127.0.0.1:0", no_page, options).start()

    async def test_a_certificate_that_is_none_is_a_typed_error(self, tmp_path):
        (tmp_path / "cert.pem").write_text("nonsense")
        options = ListenerOptions(10.0, 16, str(tmp_path / "cert.pem"), str(tmp_path / "cert.pem"))
        with pytest.raises(ListenError, match="cannot load the certificate"):
            await Listener("127.0.0.1:0", no_page, options).start()


class TestStop:
    async def test_stop_accepting_refuses_new_clients_and_keeps_connections(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            port = server.listener.port
            server.listener.stop_accepting()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", port)
            raw.send(client_frame(b"hi"))
            assert await raw.frame() == (0x82, b"hi")

    async def test_a_polite_stop_says_restart_and_waits_for_the_answer(self):
        async with echo_server() as server:
            clients = [await connect(server.url, subprotocols=SUBPROTOCOLS) for _ in range(5)]
            await server.listener.stop(WAIT_S)
            for client in clients:
                await client.wait_closed()
                assert (client.close_code, client.close_reason) == (4000, "restart")
            assert server.counters.connections_closed == {4000: 5}

    async def test_after_the_deadline_the_rest_is_reset(self):
        async with echo_server() as server:
            deaf = await server.upgrade()
            await server.listener.stop(0.05)
            assert server.last.codes == [4000]
            await deaf.rest()

    async def test_a_request_under_way_is_finished(self):
        go = asyncio.Event()
        began = asyncio.Event()

        async def slow(scope, receive, send):
            began.set()
            await go.wait()
            await no_page(scope, receive, send)

        async with echo_server(application=slow) as server:
            raw = await server.connect()
            raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.wait_for(began.wait(), WAIT_S)
            stopping = asyncio.create_task(server.listener.stop(WAIT_S))
            go.set()
            assert (await raw.response())[0] == 200
            await stopping

    async def test_a_request_that_never_ends_is_cancelled(self):
        began = asyncio.Event()

        async def endless(scope, receive, send):
            began.set()
            await asyncio.Event().wait()

        async with echo_server(application=endless) as server:
            raw = await server.connect()
            raw.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await asyncio.wait_for(began.wait(), WAIT_S)
            await server.listener.stop(0.0)
            assert len(asyncio.all_tasks()) == 1

    async def test_twice_is_no_error(self):
        async with echo_server() as server:
            await server.listener.stop(0.0)

    async def test_before_a_start_is_no_error(self):
        await Listener("127.0.0.1:0", no_page, TERMS).stop(0.0)

    async def test_a_port_can_be_used_again_at_once(self):
        async with echo_server() as server:
            raw = await server.upgrade()
            address = server.listener.address
        async with echo_server(listen={"address": address}) as server:
            raw = await server.upgrade()
            raw.send(client_frame(b"hi"))
            assert await raw.frame() == (0x82, b"hi")


EMFILE = """
    import asyncio, resource, sys, time
    from tests.kit.echo_server import echo_server, no_page
    from tests.kit.frames import client_frame
    if sys.argv[1] == "uvloop":
        import uvloop
        new_loop = uvloop.new_event_loop
    else:
        new_loop = asyncio.new_event_loop

    async def main():
        async with echo_server(limits={"unauthenticated_per_address": 1000}) as server:
            bystander = await server.upgrade()
            port = server.listener.port
            print(port, flush=True)
            await asyncio.to_thread(sys.stdin.readline)  # the other side has opened too many sockets
            before = time.process_time()
            await asyncio.sleep(1.0)
            print(time.process_time() - before, flush=True)
            bystander.send(client_frame(b"still here"))
            assert await bystander.frame() == (0x82, b"still here")
            await asyncio.to_thread(sys.stdin.readline)  # and has closed them
            await asyncio.sleep(1.5)
            print("ready", flush=True)
            await asyncio.to_thread(sys.stdin.readline)

    resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
    asyncio.Runner(loop_factory=new_loop).run(main())
"""


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_without_file_descriptors_it_neither_spins_nor_stops_listening(loop):
    """In a process of its own, because the limit is the process's."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(EMFILE), loop],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
    ) as server:
        port = int(server.stdout.readline())
        flood = [socket.create_connection(("127.0.0.1", port)) for _ in range(80)]
        server.stdin.write("\n")
        cpu_s = float(server.stdout.readline())
        for one in flood:
            one.close()
        server.stdin.write("\n")
        assert server.stdout.readline() == "ready\n"
        with socket.create_connection(("127.0.0.1", port), timeout=WAIT_S) as late:
            late.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            assert late.recv(12) == b"HTTP/1.1 200"
        server.stdin.write("\n")
        server.stdin.close()
        assert server.wait(WAIT_S) == 0
    assert cpu_s < 0.5


async def _page(reader, writer) -> None:
    writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(), WAIT_S)
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answer.endswith(b"page")
