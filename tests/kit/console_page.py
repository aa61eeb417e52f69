"""The console of a daemon in a browser: a way in, its pages, and what every page must be."""

from itertools import product
from pathlib import Path
from typing import Any

from chatd.config.origins import Origins
from chatd.server.console import ConsoleSources
from chatd.telemetry.log_ring import LogRing
from tests.kit.daemon import RunningDaemon, config_for

DESKTOP = {"width": 1360, "height": 860}
WIDTHS = {"desktop": 1360, "phone": 390, "reflow": 320}
LOOKS = (*product(("desktop", "phone"), ("light", "dark")),)
AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"


class Console:
    """A daemon, and the pages of its console."""

    def __init__(self, directory: Path, **sections: dict[str, Any]) -> None:
        config = config_for(directory, console={"backup_directory": str(directory)}, **sections)
        self.daemon = RunningDaemon(config)
        self.log = LogRing(100)
        origins = {"limits.page": f"{directory}/chatd.toml:7", "auth.secret": "env CHATD_AUTH__SECRET"}
        self.daemon._daemon.adopt(ConsoleSources(Origins(origins), self.log))

    @property
    def url(self) -> str:
        return f"{self.daemon.ops_url}/console/"

    async def link(self, role: str = "viewer") -> str:
        answer = await self.daemon.api("POST", "/v1/console/links", name="ann", role=role)
        return str(answer.json["link"])

    async def open(self, context: Any, role: str = "viewer") -> Any:
        """Return a page that opened the link, when figures come in."""
        page = await context.new_page()
        await page.goto(await self.link(role))
        await page.locator(".state.live").wait_for()
        return page


async def go_to(page: Any, name: str) -> None:
    await page.set_viewport_size(DESKTOP)
    await page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
    await page.get_by_role("heading", name=name, level=1).wait_for()


async def check_themes(page: Any, name: str) -> None:
    """Check that a page fits every width, and that axe-core finds nothing in any of LOOKS."""
    for width in WIDTHS.values():
        await page.set_viewport_size({"width": width, "height": 860})
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (name, width)
    for look, theme in LOOKS:
        await page.set_viewport_size({"width": WIDTHS[look], "height": 860})
        await page.emulate_media(color_scheme=theme)
        assert await findings(page) == [], (name, look, theme)


async def findings(page: Any) -> Any:
    """Return what axe-core finds."""
    if not await page.evaluate("'axe' in window"):
        await page.add_script_tag(path=str(AXE))
    return await page.evaluate(
        """async () => {
            // A colour on its way is none that anybody reads.
            await Promise.allSettled(document.getAnimations().map((one) => one.finished));
            const { violations } = await axe.run({ resultTypes: ["violations"], preload: false });
            return violations.map((one) => [one.id, one.nodes[0].html]);
        }"""
    )
