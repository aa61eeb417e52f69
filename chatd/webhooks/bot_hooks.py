"""The hooks of bots: like endpoints of the configuration, but set by the API, so that their addresses are public."""

from importlib.util import find_spec

from chatd.config.secret import Secret
from chatd.core.bots import Hook
from chatd.egress.guard import EgressRefused, target_of
from chatd.webhooks.signing import key_of


def check_hook(hook: Hook) -> None:
    """Raise ValueError, whose text says why, for a hook that nothing can be sent to."""
    if find_spec("httpx2") is None:
        raise ValueError("hooks need the package httpx2: pip install 'chatd[webhooks]'")
    try:
        target_of(hook.url)
    except EgressRefused as error:
        raise ValueError(f"the url of a hook cannot be used: {error}") from error
    try:
        key_of(Secret(hook.secret))
    except ValueError:
        raise ValueError("the secret of a hook is whsec_ and 24 to 64 bytes in base64") from None
