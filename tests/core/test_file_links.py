import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core.file_links import GRID_S, QUERY_MAX, LinkClaims, end_of, signed, verified

KEY = b"k" * 32
PATH = "/v1/media/g4fKz81QwXe2/7/Fz3kQ0aaaaaaaaaaaaaaaa"
BOB = LinkClaims("bob@x.org|1", "phone", 1_000_200, 17)

names = st.text("aZ9_-.:@|+", max_size=64)
numbers = st.integers(0, 10**15 - 1)
claims = st.builds(LinkClaims, names, names, numbers, numbers)


def query_of(link: str) -> str:
    return link.partition("?")[2]


@given(claims)
def test_a_link_says_what_was_signed(one: LinkClaims) -> None:
    link = signed(KEY, PATH, one)
    path, _, query = link.partition("?")
    assert path == PATH
    assert len(query) <= QUERY_MAX
    assert verified(KEY, PATH, query) == one


@given(claims, claims)
def test_a_signature_is_of_one_claim_alone(one: LinkClaims, other: LinkClaims) -> None:
    sig = signed(KEY, PATH, one).rpartition("&")[2]
    content = signed(KEY, PATH, other).rpartition("&")[0]
    found = verified(KEY, PATH, query_of(f"{content}&{sig}"))
    assert found == (one if one == other else None)


def test_it_counts_for_its_path_and_its_key() -> None:
    query = query_of(signed(KEY, PATH, BOB))
    assert verified(KEY, PATH, query) == BOB
    assert verified(KEY, PATH + "/s", query) is None
    assert verified(KEY, PATH.replace("/7/", "/8/"), query) is None
    assert verified(b"l" * 32, PATH, query) is None
    assert verified(b"", PATH, query_of(signed(b"", PATH, BOB))) is None


def test_a_proxy_may_write_it_in_another_way() -> None:
    query = query_of(signed(KEY, PATH, BOB))
    assert "%40" in query
    assert verified(KEY, PATH, query.replace("%40", "@").replace("%7C", "%7c")) == BOB
    assert verified(KEY, PATH, "&".join(reversed(query.split("&")))) == BOB


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("user=bob", "user=eve"),
        ("device=phone", "device=tablet"),
        ("until=1000200", "until=9000000"),
        ("until=1000200", "until=+1000200"),
        ("until=1000200", "until=１000200"),
        ("until=1000200", "until="),
        ("until=1000200", "until=" + "9" * 500),
        ("mark=17", "mark=0"),
        ("&mark=17", ""),
        ("mark=17", "mark=17&mark=17"),
        ("mark=17", "mark=17&more=1"),
        ("device=phone&", ""),
        ("sig=", "sig=A"),
        ("sig=", "sig=é"),
        ("sig=", "gis="),
    ],
)
def test_a_link_that_was_changed_says_nothing(old: str, new: str) -> None:
    query = query_of(signed(KEY, PATH, BOB))
    assert old in query
    assert verified(KEY, PATH, query.replace(old, new)) is None
    assert verified(KEY, PATH, "") is None


@given(st.integers(0, 10**13), st.integers(60, 86_400))
def test_its_end_is_on_a_grid_and_never_early(now_ms: int, valid_s: int) -> None:
    end_s = end_of(now_ms, valid_s)
    assert end_s % GRID_S == 0
    assert valid_s * 1000 <= end_s * 1000 - now_ms // 1000 * 1000 < (valid_s + GRID_S) * 1000
