"""Signatures of Standard Webhooks (standardwebhooks.com), and the secrets they are made with."""

import base64
import hmac
from collections.abc import Mapping, Sequence

from chatd.config.files import read_secrets
from chatd.config.problems import refuse
from chatd.config.secret import Secret

PREFIX = "whsec_"
KEY_BYTES_MIN, KEY_BYTES_MAX = 24, 64  # as the specification asks
SECRETS_MAX = 2  # while one is changed for the other
TOLERANCE_S = 300  # between the clocks of both sides, as in the libraries of the specification
ADVICE = 'Write it with: echo "whsec_$(openssl rand -base64 32)"'


def secrets_in(path: str) -> tuple[Secret, ...]:
    """Return the secrets in a file of one or two lines, `whsec_` and base64. Raises ConfigError."""
    found = read_secrets(path, SECRETS_MAX, ADVICE)
    for secret in found:
        try:
            key_of(secret)
        except ValueError:
            raise refuse(
                path, f"a line is not whsec_ and {KEY_BYTES_MIN} to {KEY_BYTES_MAX} bytes in base64", ADVICE
            ) from None
    return found


def key_of(secret: Secret) -> bytes:
    """Return the key that a secret stands for. Raises ValueError when it is none."""
    text = secret.reveal()
    if not text.startswith(PREFIX):
        raise ValueError("no prefix")
    key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    if not KEY_BYTES_MIN <= len(key) <= KEY_BYTES_MAX:
        raise ValueError("its length")
    return key


def signed(secrets: Sequence[Secret], id: str, now_ms: int, body: bytes) -> dict[str, str]:
    """Return the headers of a POST: a signature for each secret, so that a receiver may know either."""
    time = str(now_ms // 1000)
    signatures = [signature(key_of(secret), id, time, body) for secret in secrets]
    return {"webhook-id": id, "webhook-timestamp": time, "webhook-signature": " ".join(signatures)}


def signature(key: bytes, id: str, time: str, body: bytes) -> str:
    digest = hmac.digest(key, f"{id}.{time}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"


def fault(secrets: Sequence[Secret], headers: Mapping[str, str], body: bytes, now_ms: int) -> str:
    """Return the reason for which a receiver refuses a POST; "" when it is signed. `headers`: in small letters."""
    id, time = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not id or not (time.isascii() and time.isdigit()):
        return "no id or no time"
    if abs(now_ms // 1000 - int(time)) > TOLERANCE_S:
        return "too old, or a clock is wrong"
    given = headers.get("webhook-signature", "").split()
    for secret in secrets:
        wanted = signature(key_of(secret), id, time, body)
        if any(hmac.compare_digest(wanted.encode(), one.encode()) for one in given):
            return ""
    return "no signature of this secret"
