"""A cache of verified tokens: phones reconnect with the same one all day, and after an outage all at once."""

from collections import OrderedDict
from hashlib import blake2b

from chatd.auth.interface import Claims

TOKENS_MAX = 20_000  # some 400 B each: 8 MB at worst


class TokenCache:
    """Claims by digest of their token; the least recently used go first. Tokens themselves are not kept.

    Entries are valid for one set of keys: call `forget` when a key was replaced.
    """

    def __init__(self, tokens_max: int = TOKENS_MAX) -> None:
        self._claims: OrderedDict[bytes, Claims] = OrderedDict()
        self._tokens_max = tokens_max

    def find(self, token: str, now_s: float) -> Claims | None:
        """Return the claims of a token that was verified and has not expired."""
        key = digest(token)
        claims = self._claims.get(key)
        if claims is None or claims.expires_at_s <= now_s:
            return None
        self._claims.move_to_end(key)
        return claims

    def put(self, token: str, claims: Claims) -> None:
        self._claims[digest(token)] = claims
        if len(self._claims) > self._tokens_max:
            self._claims.popitem(last=False)

    def forget(self) -> None:
        self._claims.clear()


def digest(token: str) -> bytes:
    return blake2b(token.encode(errors="surrogatepass"), digest_size=16).digest()
