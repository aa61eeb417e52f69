"""client.py against receivers that answer well, badly, too long and too slowly, and against names that move."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from chatd.egress import client as module
from chatd.egress.client import ANSWER_BYTES_MAX, RESOLVED_S, Client, Unreachable
from chatd.egress.guard import EgressRefused, Guard
from tests.kit.certificates import write_certificate
from tests.kit.env import ManualEnv
from tests.kit.keyserver import KeyServer, key_server

OPERATOR = Guard(configured=True)
NEVER_S = 60.0


@pytest.fixture
def receiver() -> Iterator[KeyServer]:
    with key_server() as server:
        yield server


def names(*answers):
    """A resolver that gives one answer after the other, and the last one for ever."""
    asked = []

    async def resolve(host, port):
        asked.append((host, port))
        return list(answers[min(len(asked), len(answers)) - 1])

    resolve.asked = asked
    return resolve


async def post(client, body=b"{}", **options):
    try:
        return await client.post(body, {"webhook-id": "1"}, **options)
    finally:
        await client.close()


async def test_a_body_is_posted_to_the_url(receiver):
    answer = await post(Client(receiver.url("good"), OPERATOR, ManualEnv()), b'{"a":1}')
    assert (answer.status, answer.body) == (200, b'{"keys": []}')
    (headers, body), *_ = receiver.posted
    assert body == b'{"a":1}'
    assert headers["host"] == f"127.0.0.1:{receiver.server_address[1]}"
    assert headers["webhook-id"] == "1"
    assert headers["accept-encoding"] == "identity"


async def test_an_answer_of_any_status_is_an_answer_and_a_redirect_is_not_followed(receiver):
    answer = await post(Client(receiver.url("missing"), OPERATOR, ManualEnv()))
    assert answer.status == 404
    answer = await post(Client(receiver.url("moved"), OPERATOR, ManualEnv()))
    assert answer.status == 302
    assert receiver.paths == ["/missing", "/moved"]


async def test_an_answer_of_the_longest_kind_is_one(receiver):
    receiver.content = bytes(ANSWER_BYTES_MAX)
    answer = await post(Client(receiver.url("good"), OPERATOR, ManualEnv()))
    assert len(answer.body) == ANSWER_BYTES_MAX


@pytest.mark.parametrize("path", ["good", "endless", "garbage", "malformed"])
async def test_an_answer_that_is_too_long_or_is_none_is_refused(receiver, path):
    receiver.content = bytes(ANSWER_BYTES_MAX + 1)
    with pytest.raises(Unreachable, match=r"longer|cut"):
        await post(Client(receiver.url(path), OPERATOR, ManualEnv()), timeout_s=NEVER_S)


@pytest.mark.parametrize("path", ["silent", "dripping", "heading", "continuing"])
async def test_an_answer_that_takes_too_long_is_no_answer(receiver, path):
    with pytest.raises(Unreachable, match=r"0\.2 s|cut"):
        await post(Client(receiver.url(path), OPERATOR, ManualEnv()), timeout_s=0.2)


async def test_nobody_answers_or_has_the_name():
    with key_server() as gone:
        url = gone.url("good")
    with pytest.raises(Unreachable, match="no connection"):
        await post(Client(url, OPERATOR, ManualEnv()))
    for host in ("nobody.invalid", "no..body"):
        with pytest.raises(Unreachable, match="no address"):
            await post(Client(f"https://{host}/", OPERATOR, ManualEnv()))


async def test_a_proxy_of_the_environment_is_not_asked(receiver, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9/")
    assert (await post(Client(receiver.url("good"), OPERATOR, ManualEnv()))).status == 200


async def test_a_connection_goes_to_the_address_that_was_judged(receiver):
    """The name answers a public address to whoever asks first, and a private one to whoever connects."""
    resolve = names(["127.0.0.1"], ["10.0.0.1"])
    client = Client(
        f"http://moving.example:{receiver.server_address[1]}/good", OPERATOR, ManualEnv(), resolve=resolve
    )
    assert (await post(client)).status == 200
    assert resolve.asked == [("moving.example", receiver.server_address[1])]
    assert receiver.posted[0][0]["host"] == f"moving.example:{receiver.server_address[1]}"


async def test_a_name_that_moves_inside_is_judged_again(receiver):
    env = ManualEnv()
    guard = Guard(["127.0.0.1/32"])
    resolve = names(["127.0.0.1"], ["127.0.0.2"])
    client = Client(f"http://moving.example:{receiver.server_address[1]}/good", guard, env, resolve=resolve)
    assert (await client.post(b"{}", {})).status == 200
    assert (await client.post(b"{}", {})).status == 200
    env.advance(RESOLVED_S)
    with pytest.raises(EgressRefused):
        await post(client)
    assert len(receiver.posted) == 2
    assert len(resolve.asked) == 2


async def test_a_stranger_with_a_receiver_inside_gets_no_connection(receiver):
    with pytest.raises(EgressRefused):
        await post(Client(receiver.url("good").replace("http:", "https:"), Guard(), ManualEnv()))
    assert receiver.paths == []


async def test_the_next_address_is_tried_where_one_refuses(receiver):
    resolve = names(["127.0.0.9", "127.0.0.1"])
    url = f"http://two.example:{receiver.server_address[1]}/good"
    assert (await post(Client(url, OPERATOR, ManualEnv(), resolve=resolve))).status == 200


@pytest.fixture
def over_tls(receiver: KeyServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KeyServer]:
    """The receiver with a certificate for 127.0.0.1 that the system trusts."""
    file = write_certificate(tmp_path / "receiver.pem")["tls_cert"]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", file)
    module.trusted_certificates.cache_clear()
    yield receiver
    module.trusted_certificates.cache_clear()


async def test_the_certificate_is_that_of_the_name_and_not_of_the_address(over_tls):
    url = over_tls.url("good").replace("http:", "https:")
    assert (await post(Client(url, OPERATOR, ManualEnv()))).status == 200
    client = Client(
        url.replace("127.0.0.1", "other.example"), OPERATOR, ManualEnv(), resolve=names(["127.0.0.1"])
    )
    with pytest.raises(Unreachable, match="certificate"):
        await post(client)
