"""The key that signs links to files: the decision to use another one. Synchronous and pure."""

from dataclasses import dataclass, field

from chatd.core.read_set import ReadSet
from chatd.core.write_set import WriteSet
from chatd.protocol.envelope import Ok

LINK_KEY_BYTES = 32


@dataclass(slots=True, frozen=True)
class SetLinkKey:
    """Sign links with `key` from now on; every earlier link is void. It is its own record."""

    key: bytes = field(repr=False)


def set_link_key(user: str, request: SetLinkKey, writes: WriteSet, reads: ReadSet) -> Ok:
    writes.add(request)
    return Ok()
