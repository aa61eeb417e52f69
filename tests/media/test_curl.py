"""Downloads by curl: parts, a download that goes on, and one that is known already."""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.kit.media_downloads import ServedFiles, served_files
from tests.kit.tokens import token_for

CURL = shutil.which("curl")
BYTES = random.Random(16).randbytes(3_000_000)

pytestmark = pytest.mark.skipif(CURL is None, reason="curl is not installed")


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[ServedFiles]:
    async with served_files(tmp_path) as served:
        yield served


@pytest.fixture
def url(files: ServedFiles) -> str:
    return f"{files.url}/v1/media/own/{files.add('alice', 'long', BYTES)}"


async def curl(*arguments: str | Path) -> bytes:
    assert CURL is not None
    bearer = f"Authorization: Bearer {token_for('alice')}"
    running = await asyncio.create_subprocess_exec(
        CURL, "-sSf", "-H", bearer, *map(str, arguments), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await running.communicate()
    assert running.returncode == 0, arguments
    return output


async def test_a_part_is_fetched(url: str) -> None:
    assert await curl("-r", "5-9", url) == BYTES[5:10]
    assert await curl("-r", "-7", url) == BYTES[-7:]


async def test_a_download_goes_on_where_it_broke(url: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(BYTES[:1_234_567])
    await curl("-C", "-", "-o", target, url)
    assert target.read_bytes() == BYTES


async def test_a_file_that_is_known_is_not_sent_again(url: str, tmp_path: Path) -> None:
    tag, target = tmp_path / "tag", tmp_path / "target"
    await curl("--etag-save", tag, "-o", target, url)
    assert target.read_bytes() == BYTES
    again = await curl("--etag-compare", tag, "-o", target, "-w", "%{http_code} %{size_download}", url)
    assert again == b"304 0"


async def test_connections_are_used_again(url: str) -> None:
    once = ("-o", "/dev/null", url)
    opened = await curl("-w", "%{num_connects} ", *once, *once, *once)
    assert opened == b"1 0 0 "
