"""The host app changes its keys: the tokens that are accepted at each step, all of them verified and cached before."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
import pytest

from chatd.auth.verifier import TokenVerifier, token_verifier
from chatd.config.model import Auth
from chatd.protocol.errors import ChatError, Unavailable
from tests.kit.env import START_MS, ManualEnv
from tests.kit.forged_tokens import forged
from tests.kit.keysets import key_set_of

NOW = START_MS // 1000
RETRY_S, REFRESH_S = 60, 3600


class HostApp:
    """Publishes keys, signs tokens, and counts how often it is asked for its keys."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.env = ManualEnv()
        self.published: tuple[Any, ...] = ()
        self.answers: Callable[[], bytes] = lambda: key_set_of(*self.published)
        self.asked = 0
        rules = Auth(jwks_url="https://app.example/keys", jwks_retry_s=RETRY_S, jwks_refresh_s=REFRESH_S)
        self.identity: TokenVerifier = token_verifier(rules, self.env, directory)
        self.identity.keyring._fetch = self._fetched

    async def _fetched(self) -> bytes:
        self.asked += 1
        await asyncio.sleep(0)
        return self.answers()

    async def publishes(self, *signers: Any) -> None:
        """Publish these keys, and let the daemon notice at its next refresh."""
        self.published = signers
        self.env.advance(RETRY_S)
        await self.identity.keyring.refresh()

    def token(self, signer: Any, kid: str = "", ttl_s: int = 7200) -> str:
        claims = {"sub": "ann", "aud": "chatd", "iat": NOW, "exp": NOW + ttl_s}
        return jwt.encode(claims, signer.private, signer.algorithm, headers={"kid": kid or signer.kid})

    async def admits(self, token: str) -> str:
        """Return the outcome of a hello with this token."""
        try:
            return (await self.identity.verify(token)).user
        except ChatError as error:
            return error.code


@pytest.fixture
def app(tmp_path: Path) -> HostApp:
    return HostApp(str(tmp_path))


async def test_old_and_new_in_parallel_then_only_the_new(app, es, ed):
    old, new = app.token(es), app.token(ed)
    seen = []
    for published in ((es,), (es, ed), (ed,), ()):
        await app.publishes(*published)
        seen.append([await app.admits(token) for token in (old, new)])
        seen.append(
            [await app.admits(token) for token in (old, new)]
        )  # remembered, as far as it was accepted
    refused = "token_invalid"
    before, both, after = ["ann", refused], ["ann", "ann"], [refused, "ann"]
    assert seen[:6] == [before, before, both, both, after, after]
    unsure = ["overloaded", "ann"]
    assert seen[6:] == [unsure, unsure], "an empty set is an outage, not an order"


async def test_another_key_under_the_old_kid_ends_the_old_tokens(app, es, ed):
    await app.publishes(es)
    token = app.token(es)
    assert await app.admits(token) == "ann"
    await app.publishes(type(ed)("es", ed.algorithm, ed.private))
    assert await app.admits(token) == "token_invalid"
    assert await app.admits(app.token(ed, "es")) == "ann"


async def test_an_outage_keeps_the_old_keys_and_admits_no_new_ones(app, es, ed):
    await app.publishes(es)
    app.answers = lambda: b"<html>maintenance</html>"
    for _ in range(3):
        app.env.advance(REFRESH_S / 2)
        await app.identity.keyring.refresh()
        assert await app.admits(app.token(es)) == "ann"
        assert await app.admits(app.token(ed)) == "overloaded", "perhaps it is good"


async def test_a_flood_of_unknown_kids_costs_one_fetch_a_minute(app, es):
    await app.publishes(es)
    before = app.asked
    for minute in range(10):
        app.env.advance(RETRY_S / 2)
        forged = [app.token(es, f"kid-{minute}-{number}") for number in range(50)]
        refused = "token_invalid" if minute % 2 else "overloaded"  # asked now, or half a minute ago
        assert set(await asyncio.gather(*map(app.admits, forged))) == {refused}
        assert await app.admits(app.token(es)) == "ann"
    assert app.asked - before == 5


async def test_a_key_that_appears_during_a_flood_is_found(app, es, ed):
    await app.publishes(es)
    app.published = (es, ed)
    app.env.advance(RETRY_S)
    forged = [app.token(es, f"kid-{number}") for number in range(50)]
    outcomes = await asyncio.gather(*map(app.admits, [*forged, app.token(ed)]))
    assert outcomes[-1] == "ann"


async def test_a_key_that_comes_between_two_fetches_is_waited_for(app, es, ed):
    """Not refused: a client whose tokens are called invalid twice stops for ever."""
    await app.publishes(es)
    app.published = (es, ed)
    app.env.advance(RETRY_S / 4)
    with pytest.raises(Unavailable) as refusal:
        await app.identity.verify(app.token(ed))
    assert (refusal.value.code, refusal.value.retry_after) == ("overloaded", RETRY_S * 750)
    app.env.advance(refusal.value.retry_after / 1000)
    assert await app.admits(app.token(ed)) == "ann"


async def test_a_key_that_is_gone_is_refused_to_all_who_ask_when_they_were_told(app, es, ed):
    await app.publishes(es)
    app.env.advance(RETRY_S / 2)
    assert await app.admits(app.token(ed)) == "overloaded"
    app.env.advance(RETRY_S / 2)
    for _ in range(10):
        assert await app.admits(app.token(ed)) == "token_invalid"
        app.env.advance(1)
    app.env.advance(1)
    assert await app.admits(app.token(ed)) == "overloaded", "the answer is old by now"


async def test_a_server_that_is_down_is_not_a_bad_token(app, es):
    def down() -> bytes:
        raise OSError("down")

    app.answers = down
    for _ in range(3):
        with pytest.raises(Unavailable) as refusal:
            await app.identity.verify(app.token(es))
        assert refusal.value.retry_after == RETRY_S * 1000
        app.env.advance(RETRY_S)
    app.answers = lambda: key_set_of(es)
    assert await app.admits(app.token(es)) == "ann"


@pytest.mark.parametrize(
    "header", [{"kid": "k" * 129}, {"alg": "HS256", "kid": "es"}, {"alg": "none", "kid": "es"}]
)
async def test_what_no_set_can_hold_is_refused_without_asking(app, header):
    token = forged({"alg": "EdDSA", **header}, {"sub": "ann", "aud": "chatd", "exp": NOW + 60}, "key")
    assert await app.admits(token) == "token_invalid"
    assert app.asked == 0


async def test_the_next_run_knows_the_keys_while_the_server_is_down(app, es, ed):
    await app.publishes(es)
    await app.identity.keyring._keeping
    other = Auth(jwks_url="https://other.example/keys")
    assert not token_verifier(other, app.env, app.directory).has_keys, "of this URL only"
    restarted = HostApp(app.directory)
    restarted.answers = lambda: b"<html>maintenance</html>"
    assert restarted.identity.has_keys
    assert await restarted.admits(app.token(es)) == "ann"
    assert await restarted.admits(app.token(ed)) == "overloaded"
    restarted.answers = lambda: key_set_of(ed)
    await restarted.publishes(ed)
    assert await restarted.admits(app.token(es)) == "token_invalid", "withdrawn while it did not run"


async def test_a_remembered_token_ends_with_its_time(app, es):
    await app.publishes(es)
    token = app.token(es, ttl_s=RETRY_S + 100)
    assert Auth().leeway_s == 30
    for passed, outcome in (
        (0, "ann"),
        (99, "ann"),
        (30, "ann"),
        (1, "token_expired"),
        (9999, "token_expired"),
    ):
        app.env.advance(passed)
        assert await app.admits(token) == outcome


async def test_a_token_of_tomorrow_is_not_remembered_as_refused(app, es):
    await app.publishes(es)
    claims = {"sub": "ann", "aud": "chatd", "exp": NOW + 9000, "nbf": NOW + 3600}
    token = jwt.encode(claims, es.private, "ES256", headers={"kid": "es"})
    assert await app.admits(token) == "token_invalid"
    app.env.advance(3600)
    assert await app.admits(token) == "ann"


async def test_other_rules_are_in_force_for_remembered_tokens_at_once(app, es):
    """The configuration was read again: another audience, the same keys."""
    await app.publishes(es)
    token = app.token(es)
    assert await app.admits(token) == "ann"
    rules = Auth(jwks_url="https://app.example/keys", audience="another")
    app.identity.adopt(token_verifier(rules, app.env, app.directory))
    assert await app.admits(token) == "token_invalid"
