"""The web client in a real browser, where files lie in a bucket: its policy, and what a page is sent on to."""

from pathlib import Path

from tests.kit.browser import BROWSER, chromium, open_as, watched_context, web_daemon
from tests.kit.media_client import attached
from tests.kit.media_page import png
from tests.kit.object_stores import object_store
from tests.kit.tokens import token_for
from tests.scenarios.test_media import person
from tests.scenarios.test_media_in_a_bucket import media_in, opened

pytestmark = BROWSER

FETCH = """([url, headers]) => fetch(url, {headers}).then(
  async (answer) => [answer.status, answer.headers.get("Content-Type"), (await answer.blob()).size],
)"""
SHOW = """async (url) => {
  const image = new Image();
  image.crossOrigin = "anonymous"; image.src = url;
  await image.decode();
  return [image.naturalWidth, image.naturalHeight];
}"""


async def test_the_page_shows_what_lies_in_a_bucket_and_runs_none_of_it(tmp_path: Path) -> None:
    async with (
        object_store("rclone", tmp_path) as store,
        web_daemon(tmp_path, media=media_in(store)) as daemon,
        chromium() as browser,
        watched_context(browser) as (context, watch),
    ):
        alice = await person(daemon, "alice")
        room = await alice.chat.create_group("Bicycle", "bob")
        picture = await alice.files.upload(png(900, 600), kind="picture")
        script = b"<title>taken over</title><script>window.hacked = 1</script>"
        hostile = await alice.files.upload(script, filename="a.html", filetype="text/html")
        sent = [await alice.chat.mutate("send", room, body=attached(one)) for one in (picture, hostile)]
        size = int((await opened_size(alice.files, picture)).headers["content-length"])
        places = [
            {"room": room, "seq": one["seq"], "file": file}
            for one, file in zip(sent, (picture, hostile), strict=True)
        ]
        links = (await alice.chat.request({"type": "file.link", "places": places}))["links"]
        page = await open_as(context, daemon, "alice")
        own = f"{alice.files.url}/v1/media/own/{picture}"
        token = {"Authorization": f"Bearer {token_for('alice')}"}
        assert await page.evaluate(FETCH, [links[0]["url"], {}]) == [200, "image/jpeg", size]
        part = await page.evaluate(FETCH, [links[0]["url"], {"Range": "bytes=0-9"}])
        assert part == [206, "image/jpeg", 10]
        assert await page.evaluate(FETCH, [own, token]) == [200, "image/jpeg", size]
        assert await page.evaluate(SHOW, links[0]["url"]) == [900, 600]
        assert (watch.errors, store.endpoint in watch.origins) == ([], True)
        tab = await context.new_page()
        async with tab.expect_download() as saved:
            await tab.evaluate("(url) => { location.href = url }", links[1]["url"])
        assert (await saved.value).suggested_filename == "a.html"


async def opened_size(files, file: str):
    await opened(files, f"own/{file}")
    return await files._ask("HEAD", f"/v1/media/own/{file}")
