"""What the recorder of a real browser makes: in pieces, without a length, in containers of its choice."""

import base64
import importlib.util
import io

import pytest

av = pytest.importorskip("av")
pytest.importorskip("pyvips")
pytest.importorskip("pillow_heif")

from chatd.media.inspection import Found  # noqa: E402
from tests.kit.browser import CHROMIUM, chromium  # noqa: E402
from tests.kit.inspecting import Files, inspected  # noqa: E402
from tests.kit.longer import lengths  # noqa: E402

pytestmark = [
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (Debian: apt install chromium)"),
    pytest.mark.skipif(importlib.util.find_spec("playwright") is None, reason="playwright is not installed"),
]

RECORD = """
async ([types, most]) => Promise.all(types.map(async (type) => {
  if (!MediaRecorder.isTypeSupported(type)) return null;
  const audio = new AudioContext();
  const tone = new OscillatorNode(audio);
  const sound = audio.createMediaStreamDestination();
  tone.connect(sound);
  tone.start();
  let complete;
  const enough = new Promise((resolve) => { complete = resolve; });
  const tracks = [...sound.stream.getTracks()];
  if (type.startsWith("video")) {
    const canvas = Object.assign(document.createElement("canvas"), { width: 320, height: 160 });
    const pen = canvas.getContext("2d");
    let turn = 0;
    setInterval(() => {
      pen.fillStyle = `hsl(${turn++ * 9} 80% 50%)`;
      pen.fillRect(0, 0, 320, 160);
      // Some containers are written at the end alone.
      if (turn > 6 * most) complete();
    }, 20);
    tracks.push(...canvas.captureStream(25).getTracks());
  }
  const recorder = new MediaRecorder(new MediaStream(tracks), { mimeType: type });
  const parts = [];
  recorder.ondataavailable = (event) => { if (parts.push(event.data) > most) complete(); };
  const ended = new Promise((resolve) => { recorder.onstop = resolve; });
  recorder.start(100);
  await enough;
  recorder.stop();
  await ended;
  const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}))
"""
TYPES = (
    "audio/webm;codecs=opus",
    "audio/mp4;codecs=opus",
    "video/webm;codecs=vp8,opus",
    "video/webm;codecs=h264",
    "video/mp4",
)


async def test_what_a_browser_records_is_a_note_or_a_video(tmp_path):
    async with chromium() as browser:
        page = await browser.new_page()
        # Sound is made in pages only that somebody touched.
        await page.mouse.click(1, 1)
        # A busy machine may not get to a single picture in a short one.
        for most in lengths(5):
            recorded = await page.evaluate(RECORD, [list(TYPES), int(most)])
            made = {name: base64.b64decode(one) for name, one in zip(TYPES, recorded, strict=True) if one}
            found = {name: inspection(tmp_path / str(most) / name, content) for name, content in made.items()}
            if all(isinstance(one, Found) for _, one in found.values()):
                break
    assert TYPES[0] in made
    for files, one in found.values():
        with av.open(io.BytesIO(files.written())) as container:
            # A player knows how long it is, and so does everybody.
            assert abs(container.duration / 1000 - one.facts.duration) < 100


def inspection(folder, content):
    folder.mkdir(parents=True)
    files = Files(folder, content)
    return files, inspected(files, "voice" if folder.parent.name == "audio" else "video")
