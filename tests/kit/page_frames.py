"""`python -m tests.kit.page_frames`: how evenly the web client draws while 500 messages arrive in a second.

Once all of them in the open chat, once in many chats of the list. A frame takes the time from one to the next; a task
above 50 ms is long. Chromium draws without a GPU, beside the daemon and the writers; compare runs beside each other.
"""

import asyncio
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chatd.client import Room
from tests.kit.app_page import app_page
from tests.kit.browser import built_now, chromium, watched_context, web_daemon, why_no_browser
from tests.kit.chat_page import ChatPage, client_of

PER_S = 500
SECONDS = 10
ROOMS = 100  # of the list
TICK_S = 0.02
SCREEN = {"viewport": {"width": 1360, "height": 860}}
# The times between frames and those of long tasks, in milliseconds, until `endFrames` is called.
WATCH = """
() => {
  const frames = [], tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries().map((task) => task.duration)));
  observer.observe({ type: "longtask" });
  let last = 0, going = true;
  const frame = (now) => {
    if (last) frames.push(now - last);
    last = now;
    if (going) requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  window.endFrames = () => ((going = false), observer.disconnect(), [frames, tasks]);
}"""


async def write(rooms: Sequence[Room]) -> None:
    """Send the messages, evenly over the rooms and the time."""
    loop, sent = asyncio.get_running_loop(), 0
    begin = loop.time()
    async with asyncio.TaskGroup() as group:
        while sent < PER_S * SECONDS:
            due = min(int((loop.time() - begin) * PER_S), PER_S * SECONDS)
            for number in range(sent, due):
                group.create_task(
                    rooms[number % len(rooms)].send(f"Message {number} of many, as people write")
                )
            sent = due
            await asyncio.sleep(TICK_S)


async def measure(page: Any, rooms: Sequence[Room]) -> str:
    """Return a line about the frames while messages arrive in these rooms."""
    await page.evaluate(WATCH)
    await write(rooms)
    frames, tasks = await page.evaluate("() => endFrames()")
    cuts = statistics.quantiles(frames, n=100)
    long = f"{len(tasks)} long tasks, {sum(tasks):.0f} ms together"
    return (
        f"frames {cuts[49]:.0f} ms (median), {cuts[94]:.0f} ms (p95), {max(frames):.0f} ms (longest), {long}"
    )


async def main() -> None:
    with tempfile.TemporaryDirectory() as scratch, built_now(Path(scratch) / "static"):
        async with (
            web_daemon(Path(scratch)) as daemon,
            chromium() as browser,
            client_of(daemon, "bob") as bob,
            watched_context(browser, **SCREEN) as (context, _),
        ):
            rooms = [await bob.create_group(f"Room {number:03}", ["alice"]) for number in range(ROOMS)]
            for room in rooms:
                await room.send("The first")
            app = await app_page(context, daemon, "alice")
            await app.until_names("Room 099")
            print("list:", await measure(app.page, rooms))
            chat = ChatPage(app.page)
            await chat.open(rooms[0].id)
            await chat.to_end()
            print("open chat:", await measure(app.page, rooms[:1]))


if __name__ == "__main__":
    sys.exit(why_no_browser()) if why_no_browser() else asyncio.run(main())
