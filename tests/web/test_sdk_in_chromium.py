"""The SDK in a real browser against the conformance kit: pages that connect to it, on the real clock."""

import asyncio
import subprocess
from typing import Any
from urllib.parse import urlsplit

import pytest

from chatd.conformance.launch import listening
from chatd.conformance.runner import Options, Report, run
from chatd.conformance.script import load
from tests.kit import web_sources
from tests.kit.browser import BROWSER
from tests.kit.soak import SOAKING

pytestmark = [*BROWSER, pytest.mark.skipif(web_sources.why_not_built() is not None, reason="Node is missing")]

PAGES = 6
SCRIPT = "sdk/test/testee_page.mjs"

# What is particular to a browser: its sockets, its closes, its timers, its storage. The rest is the same code in Node.
IN_THE_SUITE = (
    *(
        "gap-after-500ms",
        "message-is-sent-and-stored",
        "refused-for-good",
        "log-that-is-cut",
        "deflate-packet",
    ),
    *("close-4000-restart", "close-4200-replaced", "link-loss", "kill-before-the-ack", "json-conversation"),
)


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("page") / "testee.js"
    subprocess.run([web_sources.node(), SCRIPT, target], cwd=web_sources.WEB, check=True)
    return target.read_text()


async def test_pages_pass_the_scenarios(browser: Any, script: str) -> None:
    scenarios = [each for each in load() if SOAKING or each.name in IN_THE_SUITE]
    async with listening("127.0.0.1:0") as launcher:
        contexts = [await browser.new_context() for _ in range(PAGES)]
        try:
            for context in contexts:
                page = await context.new_page()
                await page.add_init_script(f"window.kit = {launcher.url!r};\n{wrapped(script)}")
                await page.goto(f"http://{urlsplit(launcher.url).netloc}/")
            report = await run(scenarios, launcher, Options(jobs=PAGES, slack_s=2.0))
        finally:
            await asyncio.gather(*(context.close() for context in contexts))
    assert failures(report) == {}
    assert report.count("passed") >= len(scenarios) / 2


def wrapped(script: str) -> str:
    """Return a module as a script: what waits in it waits in a function."""
    return f"(async () => {{\n{script}\n}})();"


def failures(report: Report) -> dict[str, str]:
    return {
        f"{outcome.scenario.name} ({outcome.encoding})": outcome.why
        for outcome in report.outcomes
        if not outcome.good
    }
