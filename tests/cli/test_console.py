import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatd.cli import console
from chatd.cli.main import main
from tests.kit import http
from tests.kit.daemon import DaemonProcess, daemon_process

LINK = re.compile(r"(http://127\.0\.0\.1:\d+)/console/#key=([A-Za-z0-9_-]{22})\n")


async def opened(url: str, key: str) -> http.Answer:
    return await http.request(f"{url}/console/v1/session", "POST", content={"key": key})


async def test_it_prints_a_link_that_opens_the_console_and_shows_where_settings_come_from(
    tmp_path: Path,
) -> None:
    file = tmp_path / "chatd.toml"
    file.write_text("[limits]\npage = 123\nbatch = 12\n")
    async with daemon_process(tmp_path, CONFIG=str(file), LIMITS__FOCUS="5") as daemon:
        code, output = await daemon.run("console")
        assert code == 0
        found = LINK.fullmatch(output)
        assert found
        answer = await opened(found[1], found[2])
        cookie = {"Cookie": answer.headers["set-cookie"].partition(";")[0]}
        assert found[2] not in daemon.log

        async def settings() -> dict[str, dict[str, object]]:
            answer = await http.request(f"{found[1]}/console/v1/config", headers=cookie)
            return {row["key"]: row for row in answer.json}

        rows = await settings()
        assert (rows["limits.page"]["value"], rows["limits.page"]["origin"]) == (123, f"{file}:2")
        assert (rows["limits.focus"]["value"], rows["limits.focus"]["origin"]) == (
            5,
            "env CHATD_LIMITS__FOCUS",
        )
        assert (rows["auth.secret"]["value"], rows["limits.watch"]["origin"]) == ("********", "default")
        assert not [key for key, row in rows.items() if "waiting" in row]
        file.write_text("[limits]\nrooms_per_user = 77\npage = 50\n")
        await reread(daemon)
        rows = await settings()
        assert (rows["limits.page"]["value"], rows["limits.page"]["origin"]) == (123, f"{file}:2"), "in force"
        assert (rows["limits.page"]["waiting"], rows["limits.page"]["waiting_origin"]) == (50, f"{file}:3")
        assert (rows["limits.batch"]["waiting"], rows["limits.batch"]["waiting_origin"]) == (64, "default")
        assert rows["limits.rooms_per_user"]["value"] == 77
        assert rows["limits.rooms_per_user"]["origin"] == f"{file}:2"


async def reread(daemon: DaemonProcess) -> None:
    daemon.reload()
    await daemon.wait_for_log("settings read again")


def test_without_a_daemon_it_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["console", "--data", str(tmp_path)])
    assert result.exit_code == 4
    assert f"no daemon answers on {tmp_path}/chatd.sock" in result.stderr


def test_a_browser_is_given_a_page_that_only_its_user_may_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every user of a machine can read the arguments of its programs."""
    link, seen = "http://127.0.0.1:8471/console/#key=" + "A" * 22, []
    monkeypatch.setattr(console, "require_served", lambda config: tmp_path)
    monkeypatch.setattr(console, "ask", lambda *asked: {"link": link})
    monkeypatch.setattr(console.webbrowser, "open", lambda url: not seen.append(url))
    result = CliRunner().invoke(main, ["console", "--open", "--data", str(tmp_path)])
    assert result.output == "Opened the console in the browser.\n"
    [url] = seen
    assert "key" not in url
    page = Path(url.removeprefix("file://"))
    assert link in page.read_text()
    assert os.stat(page).st_mode & 0o077 == 0
    page.unlink()


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ([], {"name": "ann_s", "role": "viewer", "scopes": ()}),
        (["--role", "admin", "--name", "bob"], {"name": "bob", "role": "admin", "scopes": ()}),
        (["--scope", "users.read"], {"name": "ann_s", "role": "viewer", "scopes": ("users.read",)}),
    ],
)
def test_the_visitor_has_a_name_and_a_role(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], asked: dict[str, object]
) -> None:
    seen: list[object] = []
    monkeypatch.setenv("SUDO_USER", "ann s")
    monkeypatch.setattr(console, "require_served", lambda config: tmp_path)
    monkeypatch.setattr(
        console, "ask", lambda path, method, route, content: seen.append(content) or {"link": "a link"}
    )
    result = CliRunner().invoke(main, ["console", "--data", str(tmp_path), *arguments])
    assert (result.output, seen) == ("a link\n", [asked])
