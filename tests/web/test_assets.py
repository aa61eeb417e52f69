"""assets.py: bytes of the build as answers, and what is not as it was built."""

import gzip
from pathlib import Path

import pytest

from chatd.web.assets import NotBuilt, asset, manifest_in, read_built
from tests.kit.built_files import FILES, SCRIPT, write_built


def test_the_files_of_one_page_are_read(tmp_path: Path) -> None:
    built = read_built("app", write_built(tmp_path))
    assert built.version == "0123456789abcdef"
    assert {f"app/{name}" for name in built.files} == {name for name in FILES if name.startswith("app/")}
    assert built.files["main-ABCDEFG1.js"] == SCRIPT.encode()


@pytest.mark.parametrize("changed", [{"embed": "other"}, {"embed": None}, {"icon": SCRIPT}])
def test_files_that_are_not_as_they_were_built_are_not_served(
    tmp_path: Path, changed: dict[str, str | None]
) -> None:
    write_built(tmp_path, **changed)
    with pytest.raises(NotBuilt, match="run make web"):
        read_built("app", tmp_path)


@pytest.mark.parametrize("content", [None, "", "{", '{"version": 7}'])
def test_without_a_manifest_the_remedy_is_named(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(NotBuilt, match="run make web"):
        manifest_in(tmp_path)


def test_names_with_a_hash_are_kept_for_ever_and_others_asked_for() -> None:
    assert "immutable" in asset("main-ABCDEFG1.js", b"x").headers["Cache-Control"]
    for name in ("index.html", "sw.js", "embed.js", "icons/icon-512.png", "main-abcdefg1.js"):
        assert asset(name, b"x").headers["Cache-Control"] == "no-cache", name


@pytest.mark.parametrize(
    ("asked", "is_compressed"),
    [
        ("gzip, deflate, br", True),
        ("br;q=1.0, GZIP;q=0.5", True),
        ("*", True),
        ("", False),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("gzip;q=0.001", True),
    ],
)
def test_it_is_compressed_for_those_who_ask(asked: str, is_compressed: bool) -> None:
    status, content, headers = asset("sw.js", SCRIPT.encode()).answer(asked, "")
    assert status == 200
    assert ("Content-Encoding" in headers) is is_compressed
    assert (gzip.decompress(content) if is_compressed else content) == SCRIPT.encode()
    assert "Accept-Encoding" in headers["Vary"]


def test_what_gets_no_shorter_is_not_compressed() -> None:
    for name, content in (("a.js", b"x"), ("a.png", SCRIPT.encode())):
        assert asset(name, content).answer("gzip", "")[1] == content


def test_an_unchanged_file_is_not_sent_again() -> None:
    found = asset("sw.js", SCRIPT.encode())
    tag = found.headers["ETag"]
    assert found.answer("", f'W/"other", {tag}')[:2] == (304, b"")
    assert asset("sw.js", b"new").answer("", tag)[0] == 200


def test_the_same_bytes_make_the_same_answer() -> None:
    assert asset("sw.js", SCRIPT.encode()) == asset("sw.js", SCRIPT.encode())
