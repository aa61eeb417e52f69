"""Headers of tus 1.0 and what they mean, without a socket."""

from base64 import b64encode
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.files import File
from chatd.media import tus
from chatd.media.http.messages import Answer, Request
from chatd.media.tus import Part, State, Target
from chatd.protocol.errors import Refused
from chatd.protocol.messages import Attachment

FILE = "Fz3kQ0aaaaaaaaaaaaaaaa"


def request(method, path, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Request(method, path, path, "", {"tus-resumable": "1.0.0"} | named, True)


def encoded(**values):
    return ",".join(f"{name} {b64encode(value.encode()).decode()}" for name, value in values.items())


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("OPTIONS", "/v1/files", "offer"),
        ("POST", "/v1/files", "begin"),
        ("POST", "/v1/files/", "begin"),
        ("HEAD", f"/v1/files/{FILE}", "look"),
        ("PATCH", f"/v1/files/{FILE}", "append"),
        ("DELETE", f"/v1/files/{FILE}", "drop"),
    ],
)
def test_a_request_has_one_meaning(method, path, action):
    file = FILE if FILE in path else ""
    assert tus.target_of(request(method, path)) == Target(action, file)
    assert tus.target_of(request("POST", path, x_http_method_override=method)) == Target(action, file)


@pytest.mark.parametrize(("method", "path"), [("GET", f"/v1/files/{FILE}"), ("PATCH", "/v1/files")])
def test_other_methods_are_not_allowed(method, path):
    answer = tus.target_of(request(method, path))
    assert isinstance(answer, Answer)
    assert (answer.status, "Allow" in answer.headers) == (405, True)


@pytest.mark.parametrize("version", ["", "0.2.2", "1.0"])
def test_another_version_is_told_ours(version):
    answer = tus.target_of(request("POST", "/v1/files", tus_resumable=version))
    assert (answer.status, answer.headers["Tus-Version"]) == (412, "1.0.0")


@pytest.mark.parametrize("file", ["x", FILE + "a", FILE[:-1] + "/", "..%2f" * 5, f"{FILE}/m"])
def test_what_is_no_id_is_not_found(file):
    with pytest.raises(Refused, match="not_found"):
        tus.target_of(request("HEAD", f"/v1/files/{file}"))


def test_metadata_are_read_and_those_of_others_are_left():
    said = tus.metadata_of(
        encoded(key="abcdefgh", kind="picture", filename="Ä 写真.jpg") + ",name /w==,relativePath"
    )
    assert (said.key, said.kind, said.purpose, said.filename) == (
        "abcdefgh",
        "picture",
        "message",
        "Ä 写真.jpg",
    )


GOOD = {"key": "abcdefgh", "kind": "file"}


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("", "key"),
        (encoded(kind="file"), "key"),
        (encoded(key="abcdefgh"), "kind"),
        (encoded(**GOOD | {"key": "short"}), "key"),
        (encoded(**GOOD | {"kind": "folder"}), "kind"),
        (encoded(**GOOD, purpose="background"), "purpose"),
        (encoded(**GOOD, sha256="A" * 64), "sha256"),
        (encoded(**GOOD, owner="a b"), "owner"),
        (encoded(**GOOD) + ",filename ***", "filename"),
        (encoded(**GOOD) + ",filename /w==", "filename"),
    ],
)
def test_bad_metadata_are_refused_by_name(header, field):
    with pytest.raises(Refused, match="bad_request") as refused:
        tus.metadata_of(header)
    assert refused.value.field == field


@pytest.mark.parametrize(("name", "most"), [("filename", 256), ("filetype", 128)])
def test_a_name_or_a_type_that_is_longer_than_any_is_too_large(name, most):
    assert len(getattr(tus.metadata_of(encoded(**GOOD, **{name: "ä" * most})), name)) == most
    with pytest.raises(Refused, match="too_large") as refused:
        tus.metadata_of(encoded(**GOOD, **{name: "ä" * (most + 1)}))
    assert refused.value.field == name


@given(st.text(max_size=300))
def test_whatever_stands_in_metadata_is_read_or_refused(header):
    with suppress(Refused):
        tus.metadata_of(header)


@pytest.mark.parametrize(
    ("headers", "length"),
    [
        ({"upload-length": "0"}, 0),
        ({"upload-length": "482133"}, 482133),
        ({"upload-defer-length": "1"}, None),
    ],
)
def test_a_length_is_announced_or_deferred(headers, length):
    assert tus.length_of(headers) == length


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"upload-length": "-1"},
        {"upload-length": "1.5"},
        {"upload-length": "９"},
        {"upload-length": "9223372036854775808"},
        {"upload-length": str(2**53)},
        {"upload-defer-length": "0"},
        {"upload-length": "1", "upload-defer-length": "1"},
    ],
)
def test_any_other_length_is_refused(headers):
    with pytest.raises(Refused, match="bad_request"):
        tus.length_of(headers)


def test_an_append_has_an_offset_and_may_have_more():
    headers = {"content-type": "application/offset+octet-stream", "upload-offset": "7"}
    assert tus.part_of(headers) == Part(7, None, None)
    digest = b64encode(bytes(20)).decode()
    more = headers | {"upload-length": "9", "upload-checksum": f"sha1 {digest}"}
    assert tus.part_of(more) == Part(7, 9, ("sha1", bytes(20)))
    for value in ("", "sha1", "sha1 ***", f"md5 {digest}", f"sha256 {digest}"):
        with pytest.raises(Refused, match="bad_request"):
            tus.part_of(headers | {"upload-checksum": value})
    with pytest.raises(Refused, match="not_supported"):
        tus.part_of(headers | {"content-type": "application/octet-stream"})


ROW = File(
    file="Fz3kQ0aaaaaaaaaaaaaaaa",
    owner="bob",
    key="QVpxa1E3bVBmUjJz",
    kind="picture",
    purpose="avatar",
    state="uploading",
    charged=9,
    created_at=1,
    due_at=2,
    facts=Attachment("media:", "image/jpeg", name="Häfen, 2.jpg"),
    source=bytes(range(32)),
)


def test_what_was_said_of_a_file_is_said_again():
    said = tus.looked(State(0, 9), ROW).headers["Upload-Metadata"]
    assert tus.metadata_of(said) == tus.Metadata(
        key="QVpxa1E3bVBmUjJz",
        kind="picture",
        purpose="avatar",
        filename="Häfen, 2.jpg",
        filetype="image/jpeg",
        sha256=bytes(range(32)).hex(),
    )
    bare = replace(ROW, purpose="message", facts=Attachment("media:", "image/jpeg"), source=b"", key=None)
    assert tus.said_of(bare) == "kind cGljdHVyZQ==,filetype aW1hZ2UvanBlZw=="


def test_a_state_is_told_in_headers():
    head = tus.looked(State(5, None, "", 1_796_066_173_000), ROW).headers
    assert (head["Upload-Offset"], head["Upload-Defer-Length"]) == ("5", "1")
    assert head["Upload-Expires"] == "Mon, 30 Nov 2026 19:16:13 GMT"
    head = tus.looked(State(9, 9, "ready"), ROW).headers
    assert (head["Upload-Length"], head["Chatd-File"]) == ("9", "ready")
    assert "Upload-Expires" not in head
