"""Addresses that open one object of a bucket for a while, signed with its key (AWS Signature Version 4, query)."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import quote, urlsplit

from chatd.config.secret import Secret

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(slots=True, frozen=True)
class Signer:
    """Signs for one bucket: `address`. `endpoint`: of the store, without path. `id`: of the key."""

    endpoint: str
    bucket: str
    region: str
    id: str
    secret: Secret = field(repr=False)

    def address(self, key: str, now_ms: int, seconds: int, headers: Mapping[str, str]) -> str:
        """Return an address by which GET opens an object. `headers`: of the answer, in place of those it has."""
        at = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{at[:8]}/{self.region}/s3/aws4_request"
        asked = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.id}/{scope}",
            "X-Amz-Date": at,
            "X-Amz-Expires": str(seconds),
            "X-Amz-SignedHeaders": "host",
            **{f"response-{name.lower()}": value for name, value in headers.items()},
        }
        query = "&".join(f"{name}={_quoted(value)}" for name, value in sorted(asked.items()))
        path = f"/{self.bucket}/{key}"
        host = urlsplit(self.endpoint).netloc
        request = f"GET\n{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD"
        text = f"{ALGORITHM}\n{at}\n{scope}\n{sha256(request.encode()).hexdigest()}"
        signature = hmac.new(self._key(scope), text.encode(), "sha256").hexdigest()
        return f"{self.endpoint}{path}?{query}&X-Amz-Signature={signature}"

    def _key(self, scope: str) -> bytes:
        key = f"AWS4{self.secret.reveal()}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), "sha256")
        return key


def _quoted(value: str) -> str:
    return quote(value, safe="-_.~")
