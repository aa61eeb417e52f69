import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chatd.config.model import Limits
from chatd.websocket.admission import Admission

LIMITS = msgspec.structs.replace(
    Limits(), connections=5, connections_per_address=3, unauthenticated=3, unauthenticated_per_address=2
)


def new_admission(**limits) -> Admission[str]:
    return Admission(msgspec.structs.replace(LIMITS, **limits))


def test_below_every_limit_a_connection_is_admitted():
    admission = new_admission()
    assert admission.admit("192.0.2.1", "a") is None
    assert (admission.total, admission.unauthenticated) == (1, 1)
    assert admission.oldest_out() is None


def test_the_total_is_limited():
    admission = new_admission(connections=1)
    admission.admit("192.0.2.1", "a")
    refusal = admission.admit("192.0.2.2", "b")
    assert (refusal.reason, refusal.retry_after_s) == ("connections", 5)


def test_while_no_more_hellos_are_taken_an_upgrade_is_told_when_to_come_back():
    crowded = [None, 2001, 7, None]
    admission = Admission(LIMITS, lambda: crowded.pop(0))
    assert admission.admit("192.0.2.1", "a") is None
    late = [admission.admit("192.0.2.2", "b") for _ in range(2)]
    assert [(refusal.reason, refusal.retry_after_s) for refusal in late] == [("hellos", 3), ("hellos", 1)]
    assert admission.admit("192.0.2.2", "b") is None
    assert admission.total == 2


def test_one_address_is_limited_even_when_authenticated():
    admission = new_admission(connections_per_address=1)
    admission.admit("192.0.2.1", "a")
    admission.authenticated("a")
    assert admission.admit("192.0.2.1", "b").reason == "connections_per_address"
    assert admission.admit("192.0.2.2", "c") is None


def test_one_address_before_hello_is_limited_until_it_says_hello():
    admission = new_admission(unauthenticated_per_address=1)
    admission.admit("192.0.2.1", "a")
    assert admission.admit("192.0.2.1", "b").reason == "unauthenticated_per_address"
    admission.authenticated("a")
    assert admission.admit("192.0.2.1", "b") is None


def test_one_ipv6_customer_is_one_address():
    admission = new_admission(connections_per_address=1)
    admission.admit("2001:db8::1", "a")
    assert admission.admit("2001:db8::ffff", "b").reason == "connections_per_address"
    assert admission.admit("2001:db8:0:1::1", "c") is None


def test_the_oldest_unauthenticated_goes_when_the_pool_is_full():
    admission = new_admission(unauthenticated=2, connections=10)
    for number in range(3):
        assert admission.admit(f"192.0.2.{number}", f"c{number}") is None
    assert admission.oldest_out() == "c0"
    assert admission.oldest_out() is None
    assert admission.total == 3  # it still is a connection until it is released


def test_an_authenticated_connection_never_goes():
    admission = new_admission(unauthenticated=1, connections=10)
    admission.admit("192.0.2.1", "a")
    admission.authenticated("a")
    admission.admit("192.0.2.2", "b")
    assert admission.oldest_out() is None


def test_a_refused_connection_takes_no_place():
    admission = new_admission(connections=1)
    admission.admit("192.0.2.1", "a")
    admission.admit("192.0.2.1", "b")
    admission.released("192.0.2.1", "a")
    assert admission.admit("192.0.2.1", "c") is None


def test_while_draining_nobody_is_admitted():
    admission = new_admission()
    admission.drain(9)
    refusal = admission.admit("192.0.2.1", "a")
    assert (refusal.reason, refusal.retry_after_s) == ("draining", 9)


class AdmissionMachine(RuleBasedStateMachine):
    """Connections come, say hello and go in any order; the books always agree with a list of them."""

    def __init__(self) -> None:
        super().__init__()
        self.admission = new_admission()
        self.number = 0
        self.live: dict[int, str] = {}
        self.silent: list[int] = []

    @rule(address=st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "unix"]))
    def comes(self, address: str) -> None:
        self.number += 1
        refused = self.admission.admit(address, self.number) is not None
        assert refused == self._is_full(address)
        if not refused:
            self.live[self.number] = address
            self.silent.append(self.number)
        if len(self.silent) > LIMITS.unauthenticated:
            assert self.admission.oldest_out() == self.silent.pop(0)
        assert self.admission.oldest_out() is None

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def say_hello(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(sorted(self.live)))
        self.admission.authenticated(one)
        if one in self.silent:
            self.silent.remove(one)

    @precondition(lambda self: self.live)
    @rule(data=st.data())
    def goes(self, data: st.DataObject) -> None:
        one = data.draw(st.sampled_from(sorted(self.live)))
        self.admission.released(self.live.pop(one), one)
        if one in self.silent:
            self.silent.remove(one)

    @invariant()
    def the_books_agree(self) -> None:
        assert self.admission.total == len(self.live)
        assert self.admission.unauthenticated == len(self.silent)

    def _is_full(self, address: str) -> bool:
        def same(other: str) -> bool:
            return other[:8] == address[:8] if ":" in address else other == address

        here = [one for one, other in self.live.items() if same(other)]
        return (
            len(self.live) >= LIMITS.connections
            or len(here) >= LIMITS.connections_per_address
            or sum(one in self.silent for one in here) >= LIMITS.unauthenticated_per_address
        )


TestAdmissionMachine = AdmissionMachine.TestCase
TestAdmissionMachine.settings = settings(max_examples=100, stateful_step_count=30)
