from chatd.core.graph import KINDS
from chatd.core.graph_digest import GraphDigest, bucket_of, digest_of, digests_of


def test_a_digest_does_not_depend_on_the_order():
    one, other = GraphDigest(), GraphDigest()
    one.add("friend", "a", digest_of("friend", "a", ["b", "c"]))
    for other_user in "cb":
        other.add("friend", "a", digest_of("friend", "a", [other_user]))
    assert one == other
    assert one.buckets[bucket_of("a")] == digests_of("a", {"friend": frozenset("bc")})
    assert one.counts() == {"friend": 2, "follow": 0, "block": 0}


def test_only_buckets_that_differ_in_the_kinds_asked_for_are_named():
    ours = GraphDigest()
    ours.add("friend", "a", (2, 77))
    ours.add("block", "b", (1, 5))
    same = {bucket_of("a"): {"friend": (2, 77)}}
    assert ours.differing(same, ["friend"]) == []
    assert ours.differing(same, KINDS) == [bucket_of("b")]
    assert ours.differing({}, ["friend"]) == [bucket_of("a")]
    assert ours.differing({**same, "ffff": {"friend": (1, 1)}}, ["friend"]) == ["ffff"]
    assert ours.differing({bucket_of("a"): {"friend": (2, 78)}}, ["friend"]) == [bucket_of("a")]
