"""docs/push-ios.md, push-android.md, push-gateway.md: their sentences, and the examples that run."""

import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import asynccontextmanager
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from chatd.config.push import PushApp
from chatd.core.push import Address, Notification
from chatd.push.interface import Delivery
from chatd.push.sender.gateway import notification_of
from chatd.push.sender.sealing import seal
from chatd.push.sender.services import LocalSender, SenderSettings
from chatd.server.system_env import SystemEnv
from tests.kit import document
from tests.kit.newcomer import ROOT, blocks
from tests.kit.push_services.example import FULL
from tests.kit.push_services.listener import Listener, json_response

DOCS = ROOT / "docs"
GATEWAY, JAVA = DOCS / "examples" / "push_gateway.py", DOCS / "examples" / "SealedPayload.java"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="


def of_document():
    """The number of arguments of each loc-key."""
    rows = document.section("22.4.3").table(first="Loc-key")
    return {
        key: len([one for one in row["Arguments"].split(", ") if one])
        for row in rows
        for key in document.words(row["Loc-key"])
    }


@pytest.mark.parametrize(
    ("name", "form"),
    [("push-ios.md", r'^"(\w+)" = "(.*)";$'), ("push-android.md", r'<string name="([A-Z_]+)">(.*)</string>')],
)
def test_an_app_has_a_sentence_for_each_key(name, form):
    text = (DOCS / name).read_text()
    sentences = dict(re.findall(form, text, re.MULTILINE))
    used = {key: sorted(re.findall(r"%(\d)\$", sentence)) for key, sentence in sentences.items()}
    expected = {key: [str(n + 1) for n in range(count)] for key, count in of_document().items()}
    # "Bob wrote in Bike tour" leaves out what is not said.
    assert used == expected


def test_the_example_of_a_gateway_is_what_is_sent():
    [shown] = [block for block in blocks(DOCS / "push-gateway.md") if block.language == "json"]
    given = json.loads(shown.text)["notification"]
    assert {key: value for key, value in given.items() if key not in ("prio", "devices")} == notification_of(
        FULL, ""
    )


def test_the_example_says_how_short_it_is():
    lines = len(GATEWAY.read_text().splitlines())
    assert lines < 90
    assert f"in {lines} lines" in (DOCS / "push-gateway.md").read_text()


class Huawei:
    """Push Kit: its login and its messages:send."""

    def __init__(self):
        self.sent, self.logins, self.code = [], 0, "80000000"

    async def answer(self, request):
        if request.path == "/oauth2/v3/token":
            form = parse_qs(request.body.decode())
            assert (form["grant_type"], form["client_secret"]) == (["client_credentials"], ["secret"])
            self.logins += 1
            return json_response(200, {"access_token": "granted", "expires_in": 3600})
        assert request.path == "/v1/104567890/messages:send"
        assert request.headers["authorization"] == "Bearer granted"
        self.sent.append(json.loads(request.body)["message"])
        return json_response(200, {"code": self.code, "msg": "", "requestId": "1"})


@asynccontextmanager
async def gateway(tmp_path, huawei_url):
    """The example while it runs; gives its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret = tmp_path / "gateway.secret"
    secret.touch(0o600)
    secret.write_text(SECRET)
    environment = {
        "HUAWEI_SECRET": "secret",
        "HUAWEI_LOGIN": f"{huawei_url}/oauth2/v3/token",
        "HUAWEI_PUSH": f"{huawei_url}/v1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        GATEWAY,
        str(port),
        str(secret),
        "104567890",
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    try:
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0.01)
        writer.close()
        yield f"http://127.0.0.1:{port}/_matrix/push/v1/notify", secret
    finally:
        process.kill()
        await process.wait()


async def test_the_gateway_tells_huawei_and_says_what_came_of_it(tmp_path):
    huawei, answers = Huawei(), asyncio.Queue()
    async with Listener(huawei.answer) as service, gateway(tmp_path, service.url) as (url, secret):
        app = PushApp(platform="gateway", app="huawei", key_file=str(secret), url=url)
        sender = LocalSender(
            SenderSettings((app,)), SystemEnv(), lambda told: [answers.put_nowait(one) for one in told]
        )

        async def send(notification=FULL):
            sender.send([Delivery(1, Address("gateway", "huawei", "token"), notification)])
            return (await answers.get()).result

        assert await send() == "sent"
        (message,) = huawei.sent
        note = message["android"]["notification"]
        assert (note["title"], note["body"], note["tag"]) == ("Bike tour", FULL.text, FULL.tag)
        assert (message["token"], message["android"]["category"]) == (["token"], "IM")
        assert json.loads(message["data"])["seq"] == 1041
        assert await send(Notification("message", "t", name="Bob", content="picture")) == "sent"
        assert huawei.sent[-1]["android"]["notification"]["body"] == "Picture"
        assert await send(Notification("join", "t", room="r")) == "sent"
        assert huawei.sent[-1]["android"]["notification"]["body"] == "Request to join"
        assert await send(Notification("read", "t", room="r", seq=2)) == "sent"
        assert "android" not in huawei.sent[-1]
        for huawei.code, result in (("80300007", "dead"), ("82000001", "retry"), ("80200001", "retry")):
            assert await send() == result
        secret.write_text(SECRET.replace("Mf", "Mg"))
        assert await send() == "credential"
        assert (len(huawei.sent), huawei.logins) == (7, 1)
        await sender.close()


OPENS = """
import java.nio.file.*;
import java.security.KeyPair;
import java.security.interfaces.ECPublicKey;
import java.util.Base64;

/** Prints the point of new keys, then opens what it reads, a line each. */
public class Opens {
    public static void main(String[] arguments) throws Exception {
        KeyPair keys = SealedPayload.newKeys();
        byte[] point = SealedPayload.point((ECPublicKey) keys.getPublic()), auth = new byte[16];
        System.out.println(Base64.getUrlEncoder().withoutPadding().encodeToString(point));
        var lines = new java.io.BufferedReader(new java.io.InputStreamReader(System.in));
        for (String line; (line = lines.readLine()) != null; ) {
            String said;
            try {
                byte[] given = Base64.getUrlDecoder().decode(line);
                said = new String(SealedPayload.open(given, keys.getPrivate(), point, auth), "UTF-8");
            } catch (java.security.GeneralSecurityException error) {
                said = "no";
            }
            System.out.println(said);
        }
    }
}
"""


@pytest.mark.skipif(
    shutil.which("javac") is None, reason="javac (Debian: default-jdk-headless) is not installed"
)
def test_an_android_opens_what_was_sealed_for_it(tmp_path):
    (tmp_path / "Opens.java").write_text(OPENS)
    javac = [
        "javac",
        "-Werror",
        "-Xlint:all,-options",
        "--release",
        "11",
        "-d",
        tmp_path,
        JAVA,
        tmp_path / "Opens.java",
    ]
    subprocess.run(javac, check=True, timeout=120)
    with subprocess.Popen(
        ["java", "-cp", str(tmp_path), "Opens"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as phone:
        point = urlsafe_b64decode(phone.stdout.readline().strip() + "=")
        sealed = seal('{"text":"Grüße 😀"}'.encode(), point, bytes(16), b"s" * 16)
        stranger = ec.generate_private_key(ec.SECP256R1()).public_key().public_numbers()
        other = b"\x04" + stranger.x.to_bytes(32, "big") + stranger.y.to_bytes(32, "big")
        for given in (sealed, sealed[:-1], b"", seal(b"{}", other, bytes(16), b"s" * 16)):
            phone.stdin.write(urlsafe_b64encode(given).decode() + "\n")
        said = phone.communicate(timeout=60)[0].splitlines()
    assert said == ['{"text":"Grüße 😀"}', "no", "no", "no"]
