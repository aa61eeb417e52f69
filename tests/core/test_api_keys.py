"""Keys of the API: none gives what it does not have, and names and numbers have their bounds."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.core import api_keys
from chatd.core.api_keys import AddKey, ApiKey, DeletedKey, DeleteKey, RotateKey
from chatd.core.audit import SOCKET
from chatd.core.decisions import DECISIONS
from chatd.core.read_set import ReadSet, Rules
from chatd.core.write_set import WriteSet
from chatd.protocol.errors import Refused

NOW = 1_763_900_000_000
WORDS = ("users", "users.read", "tokens", "keys", "keys.read", "stats.read")
KEY = ApiKey("aaaaaaaa", "one", ("users",), b"digest")
OWN_ID = "oooooooo"


@pytest.fixture
def reads() -> ReadSet:
    return ReadSet(Rules(), {})


def ask(request: object, reads: ReadSet) -> WriteSet:
    writes = WriteSet(now=NOW, stamp=1)
    DECISIONS[type(request)]("", request, writes, reads)
    return writes


def code_of(request: object, reads: ReadSet) -> str:
    with pytest.raises(Refused) as refused:
        ask(request, reads)
    return refused.value.code


def test_a_key_is_added_rotated_and_deleted(reads):
    [added] = ask(AddKey(KEY, SOCKET), reads).records_of(ApiKey)
    assert added == replace(KEY, created_at=NOW)
    [rotated] = ask(RotateKey(KEY.id, b"other", 1000, SOCKET), reads).records_of(ApiKey)
    assert (rotated.digest, rotated.earlier, rotated.earlier_until) == (b"other", b"digest", NOW + 1000)
    assert ask(DeleteKey(KEY.id, SOCKET), reads).records_of(DeletedKey) == [DeletedKey(KEY.id)]
    for request in (DeleteKey(KEY.id, SOCKET), RotateKey(KEY.id, b"", 0, SOCKET)):
        assert code_of(request, reads) == "not_found"


def test_in_one_batch_as_in_many(reads):
    ask(AddKey(KEY, SOCKET), reads)
    assert code_of(AddKey(replace(KEY, id="bbbbbbbb"), SOCKET), reads) == "conflict"
    assert code_of(AddKey(replace(KEY, name="two"), SOCKET), reads) == "conflict"


def test_there_are_so_many_keys(reads, monkeypatch):
    monkeypatch.setattr(api_keys, "KEYS_MAX", 1)
    ask(AddKey(KEY, SOCKET), reads)
    assert code_of(AddKey(replace(KEY, id="bbbbbbbb", name="two"), SOCKET), reads) == "too_large"


def test_a_key_that_is_over_already_is_not_made(reads):
    assert code_of(AddKey(replace(KEY, expires_at=NOW), SOCKET), reads) == "bad_request"


some_words = st.lists(st.sampled_from(WORDS), max_size=4, unique=True)
some_end = st.sampled_from([0, NOW + 1, NOW + 2])


def opened(scopes: tuple[str, ...]) -> set[tuple[str, bool]]:
    """(scope, whether for reading) of everything that these scopes open."""
    key = replace(KEY, scopes=scopes)
    bare = {word.removesuffix(".read") for word in WORDS}
    return {(word, reads) for word in bare for reads in (True, False) if key.may(word, reads=reads)}


def asking(request: object, own: ApiKey, key: ApiKey) -> ReadSet:
    """The keys that there are when the key `own` asks to make, rotate or delete `key`."""
    reads = ReadSet(Rules(), {})
    reads.records_of(ApiKey)[own.id] = own
    if not isinstance(request, AddKey):
        reads.records_of(ApiKey)[key.id] = key
    return reads


def by_a_key(key: ApiKey) -> list[object]:
    return [AddKey(key, OWN_ID), RotateKey(key.id, b"x", 0, OWN_ID), DeleteKey(key.id, OWN_ID)]


@given(some_words, some_end, some_words, some_end)
def test_what_a_key_gives_it_has_itself(own_words, own_end, given_words, end):
    own = ApiKey(OWN_ID, "own", tuple(own_words), expires_at=own_end)
    key = replace(KEY, scopes=tuple(given_words), expires_at=end)
    weaker = opened(key.scopes) <= opened(own.scopes) and (not own_end or 0 < end <= own_end)
    for request in by_a_key(key):
        reads = asking(request, own, key)
        if weaker:
            assert not ask(request, reads).empty
        else:
            assert code_of(request, reads) == "forbidden"


def test_a_key_that_ended_before_its_request_is_decided_gives_nothing():
    own = ApiKey(OWN_ID, "own", KEY.scopes)
    for request in by_a_key(KEY):
        reads = asking(request, own, KEY)
        del reads.records_of(ApiKey)[OWN_ID]
        assert code_of(request, reads) == "forbidden"
        assert code_of(request, asking(request, replace(own, expires_at=NOW), KEY)) == "forbidden"
