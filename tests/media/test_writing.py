"""Digests of uploads: taken while the bytes come, read back only where this process did not write all of them."""

import hashlib

import pytest

from chatd.media import writing
from chatd.media.writing import ChecksumMismatch, Digests
from tests.kit.media_disk import MemoryDisk
from tests.kit.upload_bench import BYTES, FILE, Body, UploadBench, pieces

SHA256 = hashlib.sha256(BYTES).digest()


@pytest.fixture
def read_back(monkeypatch):
    """Return what was read to digest it, as it comes."""
    found, real = [], MemoryDisk.digest

    def digest(self, path):
        found.append(path)
        return real(self, path)

    monkeypatch.setattr(MemoryDisk, "digest", digest)
    return found


@pytest.mark.parametrize("kind", ["file", "picture"])
@pytest.mark.parametrize("breaks", [[], [1], [700, 3000]])
async def test_what_this_process_wrote_is_not_read_back(tmp_path, read_back, breaks, kind):
    bench = UploadBench(tmp_path)
    bench.begin(kind=kind)
    offset = 0
    for end in breaks:
        await bench.append(Body(*pieces(BYTES[offset:end]), then="lost"), offset)
        offset = end
    await bench.append(Body(*pieces(BYTES[offset:])), offset)
    assert bench.row.source == SHA256
    # Of a picture what was made of it.
    assert not [path for path in read_back if kind == "file" or "incoming" in path.parts]


async def test_what_another_process_wrote_is_read_back(tmp_path, read_back):
    before = UploadBench(tmp_path)
    before.begin()
    await before.append(Body(BYTES[:3000], then="lost"))
    bench = UploadBench(tmp_path, before.disk, before.rows)
    await bench.append(Body(BYTES[3000:]), 3000)
    assert (bench.row.source, len(read_back)) == (SHA256, 1)


async def test_bytes_that_are_not_kept_are_not_in_the_digest(tmp_path):
    bench = UploadBench(tmp_path)
    bench.begin()
    await bench.append(Body(BYTES[:1000], then="lost"))
    bad = "sha256", bytes(32)
    with pytest.raises(ChecksumMismatch):
        await bench.append(Body(bytes(500)), 1000, digest=bad)
    await bench.append(Body(bytes(500), then="lost"), 1000, digest=bad)
    await bench.append(Body(BYTES[1000:]), 1000)
    assert bench.row.source == SHA256


def test_a_digest_counts_at_its_offset_once(monkeypatch):
    monkeypatch.setattr(writing, "DIGESTS_MAX", 2)
    digests, state = Digests(), hashlib.sha256(b"abc")
    digests.keep(FILE, 3, state)
    assert digests.take(FILE, 3) is state
    assert digests.take(FILE, 3) is None
    digests.keep(FILE, 3, state)
    assert digests.take(FILE, 2) is None
    for name in "abc":
        digests.keep(name, 3, state)
    assert [digests.take(name, 3) is state for name in "abc"] == [False, True, True]
    assert digests.take("a", 0).digest() == hashlib.sha256().digest()
