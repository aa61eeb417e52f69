"""The state of the delivery of events, as operators and the back end of the host app see it."""

from msgspec import UNSET, Struct, UnsetType

from chatd.protocol.identifiers import Milliseconds


class Failure(Struct, frozen=True, omit_defaults=True):
    """A POST that failed. `status`: of the answer, if there was one. `text`: its beginning, or why there was none."""

    time: Milliseconds
    status: int | UnsetType = UNSET
    text: str = ""


class Status(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One endpoint. `lag`: the age of the next entry, 0 when there is none. `retry_after`: until the next attempt.

    Both in milliseconds. `failure`: the last one, unless all went well since. `parked`: how many entries are.
    """

    name: str
    state: str
    cursor: str
    lag: Milliseconds = 0
    delivered_at: Milliseconds | UnsetType = UNSET
    retry_after: Milliseconds | UnsetType = UNSET
    failure: Failure | UnsetType = UNSET
    parked: int = 0


class Retried(Struct, frozen=True, omit_defaults=True):
    """The outcome of one entry that was sent again on its own."""

    accepted: bool
    status: int | UnsetType = UNSET
    text: str = ""
