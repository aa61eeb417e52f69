"""Files in a real browser: pages that show them, pages that may not, and uploads that would like to be pages."""

import asyncio
import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.kit.browser import BROWSER, watched_context
from tests.kit.media_downloads import ServedFiles, served_files
from tests.kit.tokens import token_for

pytestmark = BROWSER

ANSWER = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 7\r\nConnection: close\r\n\r\n<p>page"
)
PIXEL = base64.b64decode("R0lGODdhAQABAIAAAP///////ywAAAAAAQABAAACAkQBADs=")  # a GIF of one pixel
SCRIPT = b"<!doctype html><title>taken over</title><script>window.hacked = 1</script>"
# Records two seconds of a canvas that changes.
RECORD = """async () => {
  const canvas = document.createElement("canvas"), pen = canvas.getContext("2d"), chunks = [];
  const recorder = new MediaRecorder(canvas.captureStream(10), {mimeType: "video/webm;codecs=vp8"});
  recorder.ondataavailable = (event) => chunks.push(event.data);
  const over = new Promise((resolve) => (recorder.onstop = resolve));
  recorder.start();
  for (let step = 0; step < 20; step++) {
    pen.fillStyle = `hsl(${step * 18} 90% 50%)`; pen.fillRect(0, 0, 300, 150);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  recorder.stop();
  await over;
  const reader = new FileReader();
  reader.readAsDataURL(new Blob(chunks));
  await new Promise((resolve) => (reader.onload = resolve));
  return reader.result.split(",")[1];
}"""
PLAY = """async (url) => {
  const video = document.createElement("video");
  video.muted = true; video.crossOrigin = "anonymous"; video.src = url;
  const over = new Promise((resolve) => (video.onended = resolve));
  await video.play();
  await over;
  const sought = new Promise((resolve) => (video.onseeked = resolve));
  video.currentTime = 0.2;
  await sought;
  return [video.videoWidth, video.currentTime];
}"""
SHOW = """([url, crossOrigin]) => new Promise((resolve) => {
  const image = new Image();
  image.onload = () => resolve(image.naturalWidth); image.onerror = () => resolve(0);
  if (crossOrigin) image.crossOrigin = "anonymous";
  image.src = url;
})"""
# The browser asks first whether it may send the token.
SENT = "([url, headers]) => fetch(url, {headers}).then(async (answer) => (await answer.blob()).size, () => 'blocked')"
FETCH = """([url, range]) => fetch(url, range ? {headers: {Range: range}} : {}).then(
  async (answer) => [answer.status, answer.headers.get("content-range"), (await answer.blob()).size],
  () => "blocked")"""


@pytest_asyncio.fixture(loop_scope="session")
async def files(tmp_path: Path) -> AsyncIterator[ServedFiles]:
    async with served_files(tmp_path, listen={"origins": ("http://127.0.0.1:*",)}) as served:
        yield served


@pytest_asyncio.fixture(loop_scope="session")
async def context(browser: Any) -> AsyncIterator[Any]:
    async with watched_context(browser) as (context, _):
        yield context


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(ANSWER)
    await writer.drain()
    writer.close()


@pytest_asyncio.fixture(loop_scope="session")
async def port() -> AsyncIterator[int]:
    """The port of a page. To a browser, `localhost` is another site than 127.0.0.1."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]


async def page_at(context: Any, port: int, host: str = "127.0.0.1") -> Any:
    page = await context.new_page()
    await page.goto(f"http://{host}:{port}/")
    return page


async def link_to(files: ServedFiles, word: str, data: bytes, **facts: Any) -> str:
    """Have a message hold a file; return a link of Alice to it."""
    alice = await files.clients.connect("alice")
    room = await alice.create_group("group")
    seq = (await alice.send(room, "look"))["seq"]
    file = files.add("alice", word, data, **facts)
    found = await files.daemon.app.context.rooms.of("alice", room)
    assert found is not None
    files.rows.attach(found, seq, file)
    places = [{"room": room, "seq": seq, "file": file}]
    (link,) = (await alice.request({"type": "file.link", "places": places}))["links"]
    return str(link["url"])


async def test_an_allowed_page_shows_and_reads_files(files: ServedFiles, context: Any, port: int) -> None:
    link = await link_to(files, "pixel", PIXEL, kind="picture", mime="image/png")
    page = await page_at(context, port)
    assert await page.evaluate(SHOW, [link, True]) == 1
    assert await page.evaluate(FETCH, [link, ""]) == [200, None, len(PIXEL)]
    bearer = {"Authorization": f"Bearer {token_for('alice')}"}
    assert await page.evaluate(SENT, [link.partition("?")[0], bearer]) == len(PIXEL)
    assert await page.evaluate(FETCH, [link, "bytes=1-2"]) == [206, f"bytes 1-2/{len(PIXEL)}", 2]


async def test_a_page_of_another_site_gets_nothing_but_what_is_public(
    files: ServedFiles, context: Any, port: int
) -> None:
    link = await link_to(files, "pixel", PIXEL, kind="picture", mime="image/png")
    avatar = files.add("alice", "face", PIXEL, kind="picture", mime="image/png")
    files.rows.hold("avatar:u:alice", avatar)
    page = await page_at(context, port, "localhost")
    assert await page.evaluate(SHOW, [link, True]) == 0
    assert await page.evaluate(SHOW, [link, False]) == 0
    assert await page.evaluate(FETCH, [link, ""]) == "blocked"
    assert await page.evaluate(SHOW, [f"{files.url}/v1/media/public/{avatar}", False]) == 1


async def test_a_video_plays_and_is_sought_in_by_its_link(
    files: ServedFiles, context: Any, port: int
) -> None:
    page = await page_at(context, port)
    data = base64.b64decode(await page.evaluate(RECORD))
    link = await link_to(files, "film", data, kind="video", mime="video/webm")
    async with page.expect_response(lambda answer: answer.url == link) as answer:
        width, time = await page.evaluate(PLAY, link)
    assert (await answer.value).status == 206
    assert (width, time) == (300, 0.2)


@pytest.mark.parametrize(
    ("kind", "mime"), [("file", "text/html"), ("picture", "text/html"), ("file", "image/png")]
)
async def test_what_is_no_picture_is_saved_and_never_opened(
    files: ServedFiles, context: Any, port: int, kind: str, mime: str
) -> None:
    link = await link_to(files, "page", SCRIPT, kind=kind, mime=mime, name="Überraschung \u202eလmth.exe")
    page = await page_at(context, port)
    async with page.expect_download() as download:
        await page.evaluate("(url) => { location.href = url; }", link)
    saved = await download.value
    assert saved.suggested_filename == "Überraschung လmth.exe"
    assert await asyncio.to_thread(Path(await saved.path()).read_bytes) == SCRIPT
    assert await page.inner_text("p") == "page"


@pytest.mark.parametrize("mime", ["image/png", "video/mp4", "audio/ogg"])
async def test_a_page_that_says_it_is_a_picture_does_not_run(
    files: ServedFiles, context: Any, mime: str
) -> None:
    link = await link_to(files, "page", SCRIPT, kind="picture", mime=mime)
    page = await context.new_page()
    await page.goto(link)
    assert await page.evaluate("[window.hacked, self.origin]") == [None, "null"]
    assert await page.title() != "taken over"
