"""The back end of the host app: a receiver of events and a judge, as a peer that the daemon POSTs to.

It takes the place of the client of HTTP (chatd.egress.client): bodies and signatures are those of the wire, and an
answer may be late, be lost, or never come.
"""

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from chatd.config.events import Events
from chatd.config.hooks import BeforeHook, Endpoint, Hooks
from chatd.config.secret import Secret
from chatd.egress.client import ANSWER_BYTES_MAX, POST_S, Answer, Unreachable
from chatd.egress.signing import fault
from tests.simulation.history import Delivery, Ruling
from tests.simulation.loop import PROCESS

if TYPE_CHECKING:
    from tests.simulation.world import World

# The pauses of an endpoint, shorter than a run.
PATIENCE = {"PAUSE_MIN_S": 0.1, "PAUSE_MAX_S": 2.0, "HALVING_S": 0.1, "ALONE_S": 0.5}
NAME = "host"
EVENTS, BEFORE = "http://127.0.0.1:9/events", "http://127.0.0.1:9/before"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
DEADLINE_S = 0.4
BATCH = 8
# Of an answer: at most a few milliseconds, or beyond the deadline of the judge and now and then of a delivery.
USUAL_S, TICKS = 0.001, 5
LATE_S, LATE_TICKS = 0.06, 8
LATEST_S = 11.0  # beyond POST_S
# It goes down so often, for up to a second.
GOES_ONE_IN, DOWN_S, DOWN_TICKS = 12, 0.1, 10
REWRITTEN = "in other words"
# Answers that give no verdict: garbage, an error, another form.
NONSENSE = ((200, b"{"), (500, b""), (200, b'{"items":{}}'), (302, b""))


def settings(place: Path, fail: Any) -> dict[str, Any]:
    """Return the sections of a configuration with this back end. `fail`: open or closed; `place`: of its secret."""
    file = place / "hook.secret"
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(SECRET)
    path = str(file)
    judge = BeforeHook(
        on=("message", "edit"),
        url=BEFORE,
        secret_file=path,
        deadline_ms=int(DEADLINE_S * 1000),
        fail=fail,
        batch=BATCH,
    )
    endpoint = Endpoint(name=NAME, url=EVENTS, secret_file=path)
    return {"events": Events(enabled=True), "hooks": Hooks(endpoints=(endpoint,), before=(judge,))}


@contextmanager
def host_reached() -> Iterator[None]:
    """Replace the client of HTTP, and the patience of endpoints."""

    async def at_once(work: Callable[[], Any], name: str) -> Any:
        return work()

    with ExitStack() as stack:
        for user in ("deliveries", "settings"):
            stack.enter_context(patch(f"chatd.webhooks.{user}.Client", PeerClient))
        stack.enter_context(patch("chatd.webhooks.deliveries.in_thread", at_once))
        for name, seconds in PATIENCE.items():
            stack.enter_context(patch(f"chatd.webhooks.endpoint.{name}", seconds))
        yield


class HostBackEnd:
    """The peer. What it says and when is drawn; its faults are those of the scenario, as long as there are any."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._lane = world.choices.lane("host")
        self._refused = ""
        self._gone_until = 0.0

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Answer a POST. Raises Unreachable where none comes."""
        # The clock may jump while it is on its way.
        now_ms = int(self._world.wall.now_s() * 1000)
        await asyncio.sleep(USUAL_S * (1 + self._lane.pick(TICKS)))
        if self._is_gone():
            raise Unreachable("no connection")
        if wrong := fault([Secret(SECRET)], headers, body, now_ms):
            self._world.history.complaints.append(f"a POST to {url} is not signed: {wrong}")
        answer = self._judge(json.loads(body)) if url == BEFORE else self._take(json.loads(body))
        await asyncio.sleep(self._delay_s())
        if self._is_gone():
            self._world.count("answer of the host lost")
            raise Unreachable("the answer was cut")
        return answer

    def _befalls(self, fault: str, one_in: int) -> bool:
        world = self._world
        return world.troubled and world.scenario.has(fault) and self._lane.befalls(one_in)

    def _is_gone(self) -> bool:
        """Whether it is down; now and then it goes down."""
        if self._befalls("hook_gone", GOES_ONE_IN):
            self._gone_until = self._world.loop.time() + DOWN_S * (1 + self._lane.pick(DOWN_TICKS))
        return self._world.troubled and self._world.loop.time() < self._gone_until

    def _delay_s(self) -> float:
        if not self._befalls("hook_slow", 2):
            return USUAL_S * (1 + self._lane.pick(TICKS))
        late = self._lane.pick(LATE_TICKS)
        return LATEST_S if late == LATE_TICKS - 1 else LATE_S * (1 + late)

    # the receiver

    def _take(self, page: dict[str, Any]) -> Answer:
        """Take a batch of events; one of them is refused for a while, whatever comes with it."""
        ids = [entry["id"] for entry in page["events"]]
        if not self._refused and self._befalls("hook_lies", 4):
            self._refused = ids[self._lane.pick(len(ids))]
            self._world.note("host", f"refuses {self._refused}")
        status = 500 if self._refused in ids and self._world.troubled else 204
        self._world.history.deliveries.append(
            Delivery(page["after"], page["next"], page["events"], accepted=status == 204)
        )
        self._world.count("event refused", status == 500)
        return Answer(status, b"", "")

    # the judge

    def _judge(self, question: dict[str, Any]) -> Answer:
        """Rule on each item, anew whenever it is asked about."""
        lies = self._befalls("hook_lies", 3)
        if lies and not self._lane.pick(3):
            status, content = NONSENSE[self._lane.pick(len(NONSENSE))]
            return Answer(status, content, "")
        given = []
        for item in question["items"]:
            verdict = self._verdict(item)
            fate = self._lane.pick(4) if lies else 0
            if fate == 1:
                self._world.count("verdict that is none")
                verdict = {**verdict, "do": "allow"}
            if fate == 2:
                continue
            given.append(verdict)
            if fate == 3:
                # Of two on one item neither counts.
                given.append(verdict)
            self._world.history.rulings.append(Ruling(item["id"], verdict["do"]))
        return Answer(200, json.dumps({"items": given}).encode(), "")

    def _verdict(self, item: dict[str, Any]) -> dict[str, Any]:
        fate = self._lane.pick(12)
        if fate in (9, 10):
            return {"id": item["id"], "do": "reject", "reason": "spam"}
        if fate == 11:
            return {"id": item["id"], "do": "rewrite", "body": {"text": REWRITTEN}}
        return {"id": item["id"], "do": "flag" if fate == 8 else "pass"}


class PeerClient:
    """The replacement of chatd.egress.client.Client: it POSTs to the back end of its run."""

    def __init__(self, url: str, guard: object, env: object, **rest: object) -> None:
        self._url = url
        self._host: HostBackEnd = PROCESS.get().host  # type: ignore[attr-defined]

    async def post(
        self,
        body: bytes,
        headers: Mapping[str, str],
        timeout_s: float = POST_S,
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> Answer:
        try:
            async with asyncio.timeout(timeout_s):
                return await self._host.post(self._url, body, headers)
        except TimeoutError:
            raise Unreachable(f"no answer in {timeout_s:g} s") from None

    async def close(self) -> None:
        """Keep nothing open."""
