"""A push gateway between chatd and Huawei: HUAWEI_SECRET=... python push_gateway.py 5000 gateway.secret APP_ID"""

import base64
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

LOGIN = os.environ.get("HUAWEI_LOGIN", "https://oauth-login.cloud.huawei.com/oauth2/v3/token")
PUSH = os.environ.get("HUAWEI_PUSH", "https://push-api.cloud.huawei.com/v1")
WORDS = {"picture": "Picture", "voice": "Voice message", "file": "File", "sticker": "Sticker"}
WORDS |= {
    "friend": "Friend request",
    "offer": "Invitation",
    "accepted": "You are in",
    "join": "Request to join",
}
# Huawei's codes for: sent, no such device, too fast. Others are a defect, of the account or of this program.
ANSWERS = {"80000000": (200, False), "80300007": (200, True), "82000001": (503, False)}
granted: tuple[float, str] = (0.0, "")  # an access token, and until when it is used


def call(url: str, body: str, **headers: str) -> dict[str, Any]:
    try:
        with urlopen(Request(url, body.encode(), headers), timeout=8) as answer:  # noqa: S310 - a constant
            return dict(json.load(answer))
    except HTTPError as refusal:
        return dict(json.load(refusal))


def send(device: str, shown: dict[str, Any]) -> str:
    """Hand a notification over; return Huawei's code."""
    global granted
    app, content = sys.argv[3], shown["content"]
    if time.time() > granted[0]:
        asked = {
            "grant_type": "client_credentials",
            "client_id": app,
            "client_secret": os.environ["HUAWEI_SECRET"],
        }
        granted = (time.time() + 3000, call(LOGIN, urlencode(asked))["access_token"])
    text = content.get("text") or WORDS.get(content.get("content", content["kind"]), "New message")
    title = shown.get("room_name") or shown.get("sender_display_name") or "Chat"
    note = {"title": title, "body": text, "tag": content["tag"], "click_action": {"type": 3}}
    message: dict[str, Any] = {"token": [device], "data": json.dumps(content)}
    if content["kind"] != "read":
        message["android"] = {"category": "IM", "urgency": "HIGH", "notification": note}
    headers = {"Authorization": f"Bearer {granted[1]}", "Content-Type": "application/json"}
    return str(call(f"{PUSH}/{app}/messages:send", json.dumps({"message": message}), **headers)["code"])


def is_signed(headers: Any, body: bytes) -> bool:
    """Whether chatd sent it, which alone has the secret, too (standardwebhooks.com)."""
    with open(sys.argv[2]) as file:
        key = base64.b64decode(file.readline().strip().removeprefix("whsec_"))
    id, sent = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "0")
    digest = base64.b64encode(hmac.digest(key, f"{id}.{sent}.".encode() + body, "sha256")).decode()
    return (
        f"v1,{digest}" in headers.get("webhook-signature", "").split() and abs(time.time() - int(sent)) < 300
    )


class Gateway(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body, status, is_dead, device = self.rfile.read(int(self.headers["Content-Length"])), 401, False, ""
        if is_signed(self.headers, body):
            try:
                shown = json.loads(body)["notification"]
                device = shown["devices"][0]["pushkey"]
                status, is_dead = ANSWERS.get(send(device, shown), (502, False))
            except (URLError, OSError, ValueError, KeyError):
                status = 502
        answer = json.dumps({"rejected": [device] if is_dead else []}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Gateway).serve_forever()
