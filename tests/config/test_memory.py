"""`chatd config show --memory`: the bound follows from the limits, and from numbers that are those of the daemon."""

import pytest

from chatd.auth import token_cache
from chatd.config import memory
from chatd.config.console import Console
from chatd.config.media import Media
from chatd.config.memory import memory_of
from chatd.config.model import Config, Limits, Listen, Outbox, Storage
from chatd.config.push import Push, PushApp
from chatd.config.rates import Rates
from chatd.core.allowances import BOUNDS
from chatd.core.rates import Rate, TokenBuckets
from chatd.http import http_protocol, listeners
from chatd.push import outstanding, queue, trace
from chatd.session.rate_limits import rates_of
from chatd.storage.sqlite.pragmas import READER, WRITER
from chatd.telemetry import logs
from chatd.writer import writer

USUAL = memory_of(Config())


def test_its_numbers_are_those_of_the_daemon():
    assert memory.QUEUE == writer.QUEUE_MAX
    assert memory.HTTP_SOCKETS == listeners.PENDING_SOCKETS_MAX
    assert memory.HTTP_SOCKET >= 2 * http_protocol.HEAD_BYTES_MAX
    assert (-1024 * WRITER["cache_size"], -1024 * READER["cache_size"]) == (
        memory.WRITER_CACHE,
        memory.READER_CACHE,
    )
    assert memory.LOG_LINE >= 3 * logs.FIELD_CHARACTERS_MAX + logs._TRACE_CHARACTERS_MAX
    assert memory.TOKENS >= token_cache.TOKENS_MAX * 400
    assert memory.PUSH_WAITING == queue.WAITING_MAX
    assert memory.PUSH_SHOWN_MAX == outstanding.OUTSTANDING_MAX
    assert memory.PUSH_TRACE == 2 * trace.BUFFER_MAX
    kinds = (
        len(rates_of(Rates())) - 2 + 1 + 1 + len(BOUNDS)
    )  # a connection has its own; besides: lookups, tests of push, allowances
    assert kinds * TokenBuckets(Rate(1.0, 1)).keys_max * 300 <= memory.BUCKETS


def test_an_idle_connection_is_at_most_what_is_promised():
    assert USUAL.idle == 32 * 1024
    assert USUAL.idle < USUAL.stranger < USUAL.full < USUAL.worst


@pytest.mark.parametrize(
    ("config", "what"),
    [
        (Config(limits=Limits(connections=200_000)), "usual"),
        (Config(storage=Storage(members_in_memory=3_000_000)), "usual"),
        (Config(storage=Storage(readers=4)), "usual"),
        (Config(limits=Limits(body_bytes=32_000)), "usual"),
        (Config(listen=Listen(tls_cert="a", tls_key="b")), "usual"),
        (Config(console=Console(log_lines=3000)), "usual"),
        (Config(push=Push(enabled=True)), "usual"),
        (Config(push=Push(enabled=True, workers=0)), "usual"),
        (Config(console=Console(history_s=900)), "usual"),
        (Config(limits=Limits(rooms_per_user=3000)), "full"),
        (Config(limits=Limits(in_flight=64)), "worst"),
        (Config(limits=Limits(frame_bytes=100_000)), "worst"),
        (Config(limits=Limits(server_frame_bytes=300_000)), "worst"),
        (Config(outbox=Outbox(close_bytes=2 << 20)), "worst"),
        (Config(limits=Limits(hello_frame_bytes=10_000)), "stranger"),
    ],
)
def test_what_is_allowed_is_counted(config, what):
    assert getattr(memory_of(config), what) > getattr(USUAL, what)


def test_push_that_is_switched_off_takes_nothing_and_each_app_something():
    app = PushApp(platform="fcm", key_file="k")
    assert memory_of(Config(push=Push(apps=(app,)))).usual == USUAL.usual
    one, two = (memory_of(Config(push=Push(enabled=True, apps=apps))).usual for apps in ((app,), (app, app)))
    assert two - one == memory.PUSH_WAITING * memory.PUSH_PENDING


def test_media_that_are_switched_off_take_nothing_and_each_process_and_connection_something():
    assert memory_of(Config(media=Media(connections=5000))).usual == USUAL.usual

    def usual(**keys):
        return memory_of(Config(media=Media(enabled=True, **keys))).usual

    assert usual(inspectors=3) - usual(inspectors=2) == memory.MEDIA_INSPECTOR
    assert usual(connections=1001) - usual(connections=1000) == memory.MEDIA_CONNECTION


def test_a_console_that_is_switched_off_takes_nothing():
    parts = memory_of(Config(console=Console(enabled=False))).parts
    assert parts["figures and log of the console"] == 0
