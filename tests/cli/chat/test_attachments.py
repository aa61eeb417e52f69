"""attachments.py: files as a terminal names them, and the names under which they are saved."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.cli.chat.attachments import amount, attachment_label, numbered, saved_name

WAVE = "".join("0123456789abcdefghijklmnopqrstuv"[n // 2] for n in range(64))


@pytest.mark.parametrize(
    ("attachment", "label"),
    [
        ({"kind": "picture", "name": "IMG_1.jpg", "size": 301_822}, "picture IMG_1.jpg 302 KB"),
        ({"kind": "picture", "size": 900, "alt": "A boat"}, "picture 900 B: A boat"),
        (
            {"kind": "video", "name": "a.mp4", "size": 2_100_000, "duration": 72_900},
            "video a.mp4 2.1 MB 1:12",
        ),
        ({"kind": "voice", "duration": 83_400, "waveform": WAVE}, "voice 1:23 ▁▁▂▂▃▃▄▄▅▅▆▆▇▇██"),
        ({"kind": "voice", "duration": "long", "waveform": "zz"}, "voice 0:00"),
        ({"kind": "new", "mime": "image/png"}, "image/png"),
    ],
)
def test_a_file_is_named_in_a_few_words(attachment, label):
    assert attachment_label(attachment) == label


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999_700, "1.0 MB"),
        (15_000_000, "15 MB"),
        (2 * 10**12, "2.0 TB"),
        (-1, ""),
    ],
)
def test_sizes_are_said_as_a_person_says_them(size, said):
    assert amount(size) == said


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("IMG_1.jpg", "IMG_1.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\a.txt", "a.txt"),
        (".bashrc", "bashrc"),
        ("a\n\x1b[2Jb\u202egpj.exe", "a[2Jbgpj.exe"),
        ("..", "picture.jpg"),
        ("", "picture.jpg"),
        ("ä" * 200 + ".jpg", "ä" * 58 + ".jpg"),
    ],
)
def test_a_saved_file_has_a_name_that_leads_nowhere_else(name, saved):
    assert saved_name({"name": name, "mime": "image/jpeg", "kind": "picture"}) == saved


@given(st.text(), st.integers(1, 999))
def test_whatever_a_sender_called_it_it_lies_in_the_directory(name, number):
    saved = numbered(saved_name({"name": name}), number)
    assert Path("here", saved).parent == Path("here")
    assert saved.isprintable()
    assert saved[0] != "."
    assert len(saved.encode()) < 140


def test_further_copies_have_a_number():
    assert [numbered("a.tar.gz", 1), numbered("a.tar.gz", 2), numbered("notes", 3)] == [
        "a.tar.gz",
        "a.tar (2).gz",
        "notes (3)",
    ]
