"""The corpus that the fuzzer left, through the same targets, without the fuzzer."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz import corpus
from tests.fuzz.targets import TARGETS, leave


@pytest.fixture(scope="module", autouse=True)
def leaving() -> Iterator[None]:
    yield
    leave()


@pytest.mark.parametrize("target", TARGETS)
def test_no_input_that_was_kept_breaks_its_target(target: str) -> None:
    kept = corpus.kept(target)
    assert len(kept) > 50
    for data in kept:
        TARGETS[target](data)


@pytest.mark.parametrize("target", TARGETS)
def test_what_is_kept_is_read_as_it_was_written(
    target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = corpus.kept(target)
    monkeypatch.setattr(corpus, "HERE", tmp_path)
    corpus.keep(target, [*kept, kept[0], bytes(corpus.INPUT_BYTES_MAX + 1)])
    assert corpus.kept(target) == kept


def test_every_corpus_is_of_a_target() -> None:
    assert {path.stem for path in corpus.HERE.iterdir()} == set(TARGETS)


MESSAGE = b'{"type":"send","id":1,"room":"g4fKz81QwXe2","key":"key-of-a","body":{}}'
BROKEN = {
    "head": ("chatd.http.http_protocol.HttpProtocol._refuse", b"\0nonsense\r\n\r\n"),
    "frames": ("chatd.websocket.connection.WebSocketConnection._control", b"\0\x89\x80\0\0\0\0"),
    "packets": ("chatd.protocol.codec.with_host_data", b"\1" + MESSAGE),
    "commands": ("chatd.core.messages.check_body", b"\1" + MESSAGE),
    "costs": ("chatd.protocol.codec.check_host_data", b"\2\x91\xc0"),
}


@pytest.mark.parametrize("target", BROKEN)
def test_a_target_finds_what_is_broken(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*arguments: object) -> None:
        raise KeyError("no such thing")

    where, data = BROKEN[target]
    TARGETS[target](data)
    monkeypatch.setattr(where, breaks)
    with pytest.raises((AssertionError, KeyError)):
        TARGETS[target](data)
    leave()
