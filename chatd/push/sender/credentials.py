"""The credentials that push services ask for: signed tokens of APNs and of Web Push, access tokens of FCM.

They are made of the keys of the operator, which are read here, when they are needed first. A key that cannot be used is
logged once, and looked for again later: a file may be mended without a restart.
"""

import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar
from urllib.parse import urlencode

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from msgspec import Struct

from chatd.config.problems import ConfigError
from chatd.config.push import PushApp
from chatd.egress.client import Answer, Unreachable
from chatd.egress.guard import EgressRefused
from chatd.env import Env
from chatd.push import key_files

APNS_S = 2400  # Apple takes tokens of up to an hour,
APNS_STEP_S = (
    1200  # and not another one within 20 minutes: so those of a process that starts again are of one time
)
OAUTH_S = 3000.0  # they live an hour
VAPID_S = 6 * 3600  # for half of their life
VAPID_LIFE_S = 12 * 3600  # RFC 8292, 2: at most a day
RENEW_S = 60.0  # a token that is younger is not at fault: another one of the same key would fare no better
LOOK_AGAIN_S = 30.0  # after a key that could not be used
ORIGINS_MAX = 256  # with a token of VAPID each; there are some five push services, and those of users
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"  # RFC 7523, 2.1
ASSERTION_S = 3600  # the longest that Google accepts

log = logging.getLogger(__name__)
Key = TypeVar("Key")
# Sends a form to the token endpoint of a service account. Raises Unreachable, EgressRefused.
PostForm = Callable[[str, bytes], Awaitable[Answer]]


class NoCredential(Exception):
    """A key that cannot be used, or that a service does not know; the text is a word for the trace."""


class KeyFile(Generic[Key]):
    """The key in a file of an app, read when it is needed first."""

    def __init__(self, app: PushApp, read: Callable[[], Key], env: Env) -> None:
        self._name = app_name(app)
        self._read = read
        self._env = env
        self._key: Key | None = None
        self._fault = ""
        self._look_at = 0.0

    def key(self) -> Key:
        """Return the key. Raises NoCredential."""
        if self._key is None:
            if self._fault and self._env.monotonic() < self._look_at:
                raise NoCredential("key_file")
            try:
                self._key = self._read()
            except ConfigError as error:
                self._report(error)
                raise NoCredential("key_file") from None
            if self._fault:
                log.info("push: the key of %s can be used again", self._name)
        return self._key

    def _report(self, error: ConfigError) -> None:
        fault = " ".join(map(str, error.problems))
        if fault != self._fault:
            log.error("push: the key of %s cannot be used: %s", self._name, fault)
        self._fault, self._look_at = fault, self._env.monotonic() + LOOK_AGAIN_S


class ApnsToken:
    """The token of APNs: signed by a key of a team, and the same for all requests of 40 minutes."""

    def __init__(self, app: PushApp, env: Env) -> None:
        self._app = app
        self._env = env
        self._file = KeyFile(app, lambda: key_files.signing_key(app.key_file, key_files.APPLE), env)
        self._token = ""
        self._issued_at = 0  # Unix s
        self._made_at = 0.0
        self._step_s = APNS_STEP_S

    def bearer(self) -> str:
        """Return the value of the header `authorization`. Raises NoCredential."""
        now = self._env.now_ms() // 1000
        if not self._token or not 0 <= now - self._issued_at < APNS_S:
            self._issued_at = now - now % self._step_s
            claims = {"iss": self._app.team, "iat": self._issued_at}
            token = jwt.encode(claims, self._file.key(), "ES256", {"kid": self._app.key_id, "typ": None})
            self._token, self._made_at = f"bearer {token}", self._env.monotonic()
            self._step_s = APNS_STEP_S
        return self._token

    def renew(self, refused: str) -> bool:
        """Whether a request that was refused with this value may be sent again with another one."""
        if self._token == refused:
            if self._env.monotonic() - self._made_at < RENEW_S:
                return False
            self._token, self._step_s = "", 1
        return True


class VapidToken:
    """The tokens of Web Push (RFC 8292): one for each push service, which is known by its origin."""

    def __init__(self, app: PushApp, subject: str, env: Env) -> None:
        self._subject = subject
        self._env = env
        self._file = KeyFile(app, lambda: key_files.signing_key(app.key_file, key_files.VAPID), env)
        self._made: dict[str, tuple[int, str]] = {}

    def authorization(self, origin: str) -> str:
        """Return the value of the header of that name. Raises NoCredential."""
        # By the clock that the service goes by: it may be put right, or the machine have slept.
        now = self._env.now_ms() // 1000
        made_at, value = self._made.get(origin, (0, ""))
        if not value or not 0 <= now - made_at < VAPID_S:
            value = self._signed(self._file.key(), origin)
            if len(self._made) >= ORIGINS_MAX:
                del self._made[next(iter(self._made))]
            self._made.pop(origin, None)
            self._made[origin] = (now, value)
        return value

    def _signed(self, key: ec.EllipticCurvePrivateKey, origin: str) -> str:
        claims = {
            "aud": origin,
            "exp": self._env.now_ms() // 1000 + VAPID_LIFE_S,
            "sub": self._subject,
        }
        return f"vapid t={jwt.encode(claims, key, 'ES256')}, k={key_files.public_of(key)}"


class _Granted(Struct, frozen=True):
    access_token: str
    expires_in: float = OAUTH_S


class _Denied(Struct, frozen=True):
    error: str = ""


class OAuthToken:
    """The access token of FCM, which a service account asks for (RFC 7523), once for all requests of 50 minutes."""

    def __init__(self, app: PushApp, env: Env, post: PostForm) -> None:
        self._name = app_name(app)
        self._env = env
        self._post = post
        self._file = KeyFile(app, lambda: key_files.service_account(app.key_file), env)
        self._token = ""
        self._made_at = 0.0
        self._until = 0.0
        self._denied = ""
        self._ask_at = 0.0

    @property
    def project(self) -> str:
        """The project of the service account. Raises NoCredential."""
        return self._file.key().project_id

    def known(self) -> str:
        """Return the value of the header `authorization`; "" where it has to be asked for."""
        return self._token if self._env.monotonic() < self._until else ""

    async def ask(self) -> None:
        """Get a new token. Raises NoCredential, or Unreachable when it may work later. One at a time."""
        if self._denied and self._env.monotonic() < self._ask_at:
            raise NoCredential(self._denied)
        account = self._file.key()
        now = self._env.now_ms() // 1000
        claims = {
            "iss": account.client_email,
            "scope": SCOPE,
            "aud": account.token_uri,
            "iat": now,
            "exp": now + ASSERTION_S,
        }
        assertion = jwt.encode(claims, account.private_key, "RS256", {"kid": account.private_key_id})
        form = urlencode({"grant_type": GRANT, "assertion": assertion}).encode()
        try:
            answer = await self._post(account.token_uri, form)
        except EgressRefused as error:
            raise self._refused("token_uri", str(error)) from None
        if answer.status == 429 or answer.status >= 500:
            raise Unreachable(f"the token endpoint answers {answer.status}")
        self._take(answer)

    def _take(self, answer: Answer) -> None:
        try:
            granted = msgspec.json.decode(answer.body, type=_Granted)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._refused(_error_of(answer), f"the token endpoint answers {answer.status}") from None
        if not granted.access_token.isascii() or not granted.access_token.isprintable():
            raise self._refused("access_token", "the token endpoint answers with what is no token")
        if self._denied:
            log.info("push: the key of %s is accepted again", self._name)
        now = self._env.monotonic()
        self._token, self._made_at, self._denied = f"Bearer {granted.access_token}", now, ""
        self._until = now + max(RENEW_S, min(OAUTH_S, granted.expires_in - RENEW_S))

    def renew(self, refused: str) -> bool:
        """Whether a request that was refused with this value may be sent again with another one."""
        if self._token == refused:
            if self._env.monotonic() - self._made_at < RENEW_S:
                return False
            self._until = 0.0
        return True

    def _refused(self, word: str, why: str) -> NoCredential:
        if word != self._denied:
            log.error("push: the key of %s is not accepted: %s (%s)", self._name, why, word)
        self._denied, self._ask_at = word, self._env.monotonic() + LOOK_AGAIN_S
        return NoCredential(word)


def _error_of(answer: Answer) -> str:
    """Return the word of an error of OAuth (RFC 6749, 5.2)."""
    try:
        word = msgspec.json.decode(answer.body, type=_Denied).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        word = ""
    return word[:64] if word.isprintable() and word else str(answer.status)


def app_name(app: PushApp) -> str:
    """Return the name of an app in logs."""
    return f"{app.platform} {app.app}".rstrip()
