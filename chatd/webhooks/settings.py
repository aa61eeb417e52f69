"""From the configuration to the parts that use it: secrets are read, and what cannot be used is told at once."""

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from chatd.config.hooks import Endpoint
from chatd.config.model import Config
from chatd.config.problems import ConfigError, Problem
from chatd.config.secret import Secret
from chatd.core.event_feed import require_known
from chatd.core.read_set import Rules
from chatd.egress.client import Client
from chatd.egress.guard import EgressRefused, Guard, target_of
from chatd.egress.signing import secrets_in
from chatd.env import Env
from chatd.protocol.errors import Refused
from chatd.webhooks.before import RemoteJudge
from chatd.webhooks.dispatcher import Feed
from chatd.webhooks.interface import LinkOf


@dataclass(slots=True, frozen=True)
class Receiver:
    """An endpoint with its secrets, and the networks that are allowed to it besides private ones.

    `feed`: what it is sent, the event feed without. `configured`: False for an address of the API, which is no private
    one unless it is allowed.
    """

    settings: Endpoint
    secrets: tuple[Secret, ...]
    allow: tuple[str, ...]
    feed: Feed | None = None
    configured: bool = True


def receivers_of(config: Config) -> tuple[Receiver, ...]:
    """Return the endpoints of a configuration. Raises ConfigError."""
    return tuple(
        Receiver(endpoint, secrets_in(endpoint.secret_file), config.egress.allow)
        for endpoint in config.hooks.endpoints
    )


def judges_of(config: Config, rules: Rules, env: Env, link_of: LinkOf) -> Sequence[RemoteJudge]:
    """Return the judges of a configuration, each a `Judge` to close at the end. Raises ConfigError."""
    if not config.hooks.before:
        return ()
    guard = Guard(config.egress.allow, configured=True)
    return tuple(
        RemoteJudge(
            hook,
            secrets_in(hook.secret_file),
            Client(hook.url, guard, env),
            env,
            rules,
            link_of,
        )
        for hook in config.hooks.before
    )


def hook_problems(config: Config) -> Iterator[Problem]:
    """Yield what keeps the hooks of a configuration from being used."""
    hooks = config.hooks
    for endpoint in hooks.endpoints:
        try:
            require_known(endpoint.types)
        except Refused as error:
            yield Problem("", f"hooks.endpoints: {error.message}", f"Change the types of {endpoint.name}.")
    for url, secret_file in [(one.url, one.secret_file) for one in hooks.endpoints] + [
        (one.url, one.secret_file) for one in hooks.before
    ]:
        try:
            target = target_of(url)
            secrets_in(secret_file)
            _require_permitted(target.host, target.scheme, config)
        except EgressRefused as error:
            yield Problem("", f"the url of a hook cannot be used: {error}", "Change its url.")
        except ConfigError as error:
            yield from error.problems


def _require_permitted(host: str, scheme: str, config: Config) -> None:
    """Raise EgressRefused where the host is an address that no request will go to. Names are not looked up here."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return
    Guard(config.egress.allow, configured=True).permitted([host], scheme)
