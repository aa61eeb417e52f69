"""The publication of a host app: its public keys as a JSON Web Key Set."""

import json
from typing import Any

from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

MAKERS: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


def jwk_of(signer: Any) -> dict[str, Any]:
    """Return the public key of a signer (`kid`, `algorithm`, `private`) as a JSON Web Key."""
    made: dict[str, Any] = MAKERS[signer.algorithm].to_jwk(signer.private.public_key(), as_dict=True)
    return {**made, "kid": signer.kid, "use": "sig", "key_ops": ["verify"]}


def key_set_of(*signers: Any) -> bytes:
    """Return the key set of these signers."""
    return json.dumps({"keys": [jwk_of(one) for one in signers]}).encode()
