"""A server of another version than its pages: they say so, and take the new one."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bench.machine import free_ports
from chatd.web import assets
from tests.kit.app_page import app_page
from tests.kit.browser import BROWSER, WORKER, expect, watched_context, web_daemon

pytestmark = BROWSER

VERSION = "document.querySelector('meta[name=chatd-version]').content"
NEW_WORKER = """async (name) => {
  const { active, waiting, installing } = await navigator.serviceWorker.getRegistration();
  return (await caches.has(name)) && active?.state === "activated" && !waiting && !installing;
}"""
CONTROLLED = "() => navigator.serviceWorker.controller?.state === 'activated'"


def other_version(built: Path, directory: Path) -> str:
    """Write the same files as another version would be, and return its name."""
    shutil.copytree(built, directory)
    manifest = json.loads((directory / "manifest.json").read_text())
    old, new = manifest["version"], manifest["version"][::-1]
    for name in manifest["files"]:
        path = directory / name
        path.write_bytes(path.read_bytes().replace(old.encode(), new.encode()))
        manifest["files"][name] = hashlib.sha256(path.read_bytes()).hexdigest()
    (directory / "manifest.json").write_text(json.dumps(manifest | {"version": new}))
    return new


async def test_a_page_of_an_older_version_says_so_and_takes_the_new_one(
    browser: Any, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listen = {"address": f"127.0.0.1:{free_ports(1)[0]}"}
    async with (
        web_daemon(tmp_path / "store", listen=listen) as daemon,
        watched_context(browser, **WORKER) as (context, _),
    ):
        app = await app_page(context, daemon, "alice")
        await app.page.wait_for_function(CONTROLLED)
        new = other_version(built, tmp_path / "new")
        assert await app.page.evaluate(VERSION) != new
        monkeypatch.setattr(assets, "STATIC", tmp_path / "new")
        await daemon.restart()
        await app.button("Update")
        await app.page.wait_for_function(f"(version) => {VERSION} === version", arg=new)
        await app.page.get_by_role("button", name="New chat").first.wait_for()
        # Its worker follows without another word.
        await app.page.wait_for_function(NEW_WORKER, arg=f"chatd-files-{new}")
        await expect(app.page.get_by_role("button", name="Update")).to_have_count(0)
