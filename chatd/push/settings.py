"""The settings of push, looked at before they are used: what cannot be used is told at once, with the remedy."""

from collections.abc import Iterator
from importlib.util import find_spec

from chatd.config.model import Config
from chatd.config.problems import ConfigError, Problem
from chatd.config.push import PushApp
from chatd.egress.signing import secrets_in

PACKAGES = ("h2", "tzdata")
INSTALL = "Install them with: pip install 'chatd[push]'"


def missing_packages() -> list[str]:
    """Return the packages of `chatd[push]` that are not installed."""
    return [name for name in PACKAGES if find_spec(name) is None]


def push_problems(config: Config) -> Iterator[Problem]:
    """Yield what keeps push from being used; nothing where it is off."""
    if not config.push.enabled:
        return
    if missing := missing_packages():
        yield Problem("", f"push needs packages that are not installed: {', '.join(missing)}", INSTALL)
    for app in config.push.apps:
        try:
            require_key(app)
        except ConfigError as error:
            yield from error.problems


def require_key(app: PushApp) -> None:
    """Raise ConfigError where the key of an app cannot be read and used."""
    # The library cryptography takes a while to import.
    from chatd.push import key_files

    if app.platform == "fcm":
        key_files.service_account(app.key_file)
    elif app.platform == "gateway":
        secrets_in(app.key_file)
    else:
        key_files.signing_key(app.key_file, key_files.APPLE if app.platform == "apns" else key_files.VAPID)


def vapid_public(config: Config) -> str:
    """Return the public key that browsers subscribe with; "" without an app of web. Raises ConfigError."""
    from chatd.push import key_files

    for app in config.push.apps:
        if app.platform == "web":
            return key_files.public_of(key_files.signing_key(app.key_file, key_files.VAPID))
    return ""
