"""Files of messages: their addresses, attachments and refusals."""

import pytest

from chatd.client.core.errors import ChatError, QuotaReached, Unreadable
from chatd.client.core.files import (
    UploadedFile,
    file_of,
    kind_for,
    metadata,
    mime_of,
    place_of,
    refusal_from,
    with_files,
)
from chatd.client.core.http import Head

FILE = UploadedFile("f1", "picture", "a.jpg", "image/jpeg", 3)


def test_addresses():
    assert [file_of(url) for url in ("media:f1", "https://x/media:f1", "")] == ["f1", "", ""]
    assert place_of("r", 7, "f1", "s") == "/v1/media/r/7/f1/s"
    assert place_of("", 0, "f1") == "/v1/media/own/f1"


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.JPG", "picture"), ("a.svg", "file"), ("a.mov", "video"), ("a.ogg", "file"), ("a", "file")],
)
def test_the_kind_that_suits_a_name(name, kind):
    assert kind_for(name) == kind


def test_what_an_upload_says_of_itself():
    assert metadata({"key": "k", "filename": "ä", "filetype": ""}) == "key aw==,filename w6Q="
    assert mime_of("unknown") == "application/octet-stream"


def test_files_stand_behind_the_attachments_of_a_message():
    named = {"url": "media:f1", "mime": "image/jpeg", "name": "a.jpg"}
    assert with_files("Hi", ()) == "Hi"
    assert with_files("Hi", [FILE]) == {"text": "Hi", "attachments": [named]}
    assert with_files("", [FILE.described("A boat")]) == {"attachments": [{**named, "alt": "A boat"}]}
    body = {"attachments": [{"url": "https://x"}], "mentions": ["bob"]}
    assert with_files(body, [named]) == {**body, "attachments": [{"url": "https://x"}, named]}


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "retry"),
    [
        (413, {"code": "quota", "scope": "room"}, QuotaReached, "quota", "never"),
        (422, None, Unreadable, "unreadable", "never"),
        (401, {"code": "token_expired"}, ChatError, "token_expired", "after_auth"),
        (429, {"code": "rate_limited", "retry_after": 5}, ChatError, "rate_limited", "later"),
        (460, {"code": "bad_request"}, ChatError, "bad_request", "later"),
        (502, "<html>", ChatError, "overloaded", "later"),
        (418, None, ChatError, "bad_request", "never"),
    ],
)
def test_an_answer_that_is_no_success_is_an_error(status, body, kind, code, retry):
    error = refusal_from(Head(status, {}), body)
    assert isinstance(error, kind)
    assert (error.name, error.retry) == (code, retry)


def test_a_refusal_says_when_and_whose():
    error = refusal_from(Head(503, {"retry-after": "3"}), {"code": "overloaded", "scope": "user", "field": 7})
    assert (error.retry_after, error.scope, error.field) == (3000, "user", None)
