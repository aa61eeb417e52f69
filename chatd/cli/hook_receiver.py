"""The receiver of webhooks behind `chatd hook listen`: it verifies what comes, shows it, and answers."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any

from chatd.cli.chat.wording import Line
from chatd.cli.hook_lines import delivery_line, entry_line, item_line, refused_line, time_of
from chatd.config.secret import Secret
from chatd.egress.signing import fault

BODY_BYTES_MAX = 8 << 20  # a delivery has about 1 MiB
SOCKET_S = 30.0  # of a sender that says nothing more
UNSIGNED = 401


@dataclass(slots=True, frozen=True)
class Settings:
    """`answer`: the status for events. `reject`: a text with which an item is rejected. `for_programs`: JSON lines."""

    secrets: Sequence[Secret]
    answer: int
    reject: str
    for_programs: bool


class Receiver(ThreadingHTTPServer):
    """The server. `show` prints a line, `write` a text as it is; deliveries are shown one after the other."""

    daemon_threads = True

    def __init__(
        self,
        address: tuple[str, int],
        settings: Settings,
        show: Callable[[Line], None],
        write: Callable[[str], None],
    ) -> None:
        super().__init__(address, Delivery)
        self.settings = settings
        self.show = show
        self.write = write
        self.showing = Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Go on: a sender that goes away is no reason to end."""


class Delivery(BaseHTTPRequestHandler):
    server: Receiver
    timeout = SOCKET_S
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = self.headers.get("content-length", "")
        if not (length.isascii() and length.isdigit() and int(length) <= BODY_BYTES_MAX):
            self._answer(413, {})
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        now_ms = time.time_ns() // 1_000_000
        wrong = fault(self.server.settings.secrets, headers, body, now_ms)
        delivery = parsed(body)
        if wrong or not delivery:
            wrong = wrong or "no JSON object"
            status, answer = UNSIGNED, {}
        elif delivery.get("type") == "before":
            status, answer = 200, {"items": [self._verdict(item) for item in listed(delivery, "items")]}
        else:
            status, answer = self.server.settings.answer, {}
        self._answer(status, answer)
        with self.server.showing:
            self._show(delivery, wrong, status, now_ms)

    def _verdict(self, item: Mapping[str, Any]) -> dict[str, Any]:
        reject = self.server.settings.reject
        if reject and reject.lower() in json.dumps(item, ensure_ascii=False).lower():
            return {"id": item.get("id"), "do": "reject", "reason": "listener"}
        return {"id": item.get("id"), "do": "pass"}

    def _show(self, delivery: Mapping[str, Any], wrong: str, status: int, now_ms: int) -> None:
        server = self.server
        events, items = listed(delivery, "events"), listed(delivery, "items")
        if server.settings.for_programs:
            for one in () if wrong else (*events, *items):
                server.write(json.dumps(one, ensure_ascii=False))
            return
        if wrong:
            server.show(refused_line(wrong, now_ms))
            return
        delay_ms = max(0, now_ms - max(map(time_of, events), default=now_ms))
        server.show(delivery_line(len(events), len(items), delay_ms, status, now_ms))
        for entry in events:
            server.show(entry_line(entry))
        for item in items:
            server.show(item_line(item, self._verdict(item)["do"]))

    def _answer(self, status: int, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode() if content else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Write nothing: deliveries are shown."""


def parsed(body: bytes) -> dict[str, Any]:
    """Return the object in a body; an empty one when there is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def listed(delivery: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = delivery.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
