"""Who may fetch is decided as hello decides who may connect."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chatd.auth.interface import Claims
from chatd.commands.connection import HelloRejected, Identified, checked
from chatd.config.model import Config
from chatd.core.users import Account, DeviceSeen, Restriction
from chatd.media.access import Access
from chatd.media.http.messages import Request
from chatd.media.interface import Caller
from chatd.protocol.errors import Refused
from chatd.storage.media import Standing
from tests.kit.env import START_MS, ManualEnv

marks = st.integers(0, 3)
restrictions = st.one_of(
    st.none(), st.builds(Restriction, st.sampled_from(["ban", "mute"]), st.sampled_from([1, 2, START_MS + 9]))
)


class Context:
    def __init__(self, env: ManualEnv) -> None:
        self.env, self.config = env, Config()


@given(marks, marks, marks, marks, st.booleans(), st.booleans(), restrictions)
def test_a_token_counts_for_files_as_it_does_for_chat(
    generation: int,
    of_user: int,
    of_device: int,
    claimed: int,
    disabled: bool,
    is_bound: bool,
    restriction: Restriction | None,
) -> None:
    # As the store gives them: the mark of the user is the highest.
    account = Account(
        "bob",
        disabled=disabled,
        generation=max(generation, of_user),
        revoked_before=of_user,
        restriction=restriction,
    )
    device = DeviceSeen("bob", "phone", revoked_before=of_device) if is_bound else None
    claims = Claims("bob", START_MS, device="phone" if is_bound else None, generation=claimed)
    ends = restriction.until if restriction is not None and restriction.what == "ban" else 0
    standing = Standing(disabled, ends, of_user, account.generation, of_device if is_bound else 0)
    caller = Caller(id=0, user="bob", device=claims.device or "", generation=claimed)
    env = ManualEnv()
    access = Access(None, b"", env)  # type: ignore[arg-type]
    assert refusal(lambda: access.check(caller, standing)) == refusal(
        lambda: checked(Context(env), Identified(claims, account, device))  # type: ignore[arg-type]
    )


def refusal(check: Any) -> tuple[str, int | None] | None:
    try:
        check()
    except HelloRejected as rejected:
        return rejected.refusal.code, rejected.refusal.retry_after
    except Refused as refused:
        return refused.code, refused.retry_after
    return None


class Asked:
    """A daemon that counts how often it verifies a token."""

    def __init__(self, env: ManualEnv) -> None:
        self.count, self._env = 0, env

    async def ask(self, request: Any) -> Caller:
        self.count += 1
        return Caller(id=0, user="", scopes=("moderation",), expires_at=self._env.now_ms() + 10_000)


async def test_a_clock_that_is_set_back_lets_no_key_count_for_longer() -> None:
    env = ManualEnv()
    daemon = Asked(env)
    access = Access(daemon, b"", env)  # type: ignore[arg-type]
    request = Request("GET", "/", "/", "", {"authorization": "Bearer ck_one"}, keeps_alive=True)
    for _ in range(2):
        await access.caller(request)
    assert daemon.count == 1
    env.advance(11)
    env.set_by_ms = -86_400_000
    await access.caller(request)
    assert daemon.count == 2
