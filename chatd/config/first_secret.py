"""The secret of a server without configured keys: made once, kept beside the database, private."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from chatd.config.file_permissions import new_private_file
from chatd.config.files import read_secret, require_private_directory
from chatd.config.loading import Loaded
from chatd.config.model import Auth, Config
from chatd.config.problems import refuse
from chatd.config.reloadable import replaced
from chatd.config.secret import Secret

SECRET_BYTES = 32  # 256 bits, the strength of HS256 itself


def with_first_secret(config: Config, *, create: bool) -> Config:
    """Return `config`, with the secret of its data directory if it has no other keys to verify tokens with.

    `create`: make that secret when there is none, as the first start does. ConfigError if it cannot be used.
    """
    if not config.auth.accounts or is_configured(config.auth):
        return config
    return with_own_secret(config, create=create)


def with_origin(loaded: Loaded, config: Config) -> Loaded:
    """Return `config` as loaded: it is that of `loaded`, with the secret of its data directory if that had none."""
    if loaded.config.auth.secret or not config.auth.secret:
        return loaded
    return Loaded(config, {**loaded.origins, "auth.secret": f"file {secret_path(config)}"})


def with_own_secret(config: Config, *, create: bool) -> Config:
    """Return `config` with the configured secret, else with that of its data directory if there is one."""
    path = secret_path(config)
    if config.auth.secret:
        return config
    if create:
        make_private(path, lambda: secrets.token_urlsafe(SECRET_BYTES) + "\n", "auth.secret_file")
    elif not _exists(path):
        return config
    return replaced(config, {"auth.secret": read_secret(str(path))})


def is_configured(auth: Auth) -> bool:
    """Whether the configuration names keys to verify tokens with."""
    return bool(auth.secret or auth.keys or auth.jwks_file or auth.jwks_url)


def secret_path(config: Config) -> Path:
    """Return the path of the secret of the first start."""
    return Path(config.storage.directory) / "secret"


def vapid_path(directory: str) -> Path:
    """Return the path of the key of Web Push of a development server (`chatd dev`)."""
    return Path(directory) / "vapid.pem"


def make_private(path: Path, content: Callable[[], str], instead: str) -> None:
    """Write a file with a secret beside the database unless there is one. `instead`: the key to set in place of it."""
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        require_private_directory(path.parent)  # before a secret goes there
        with new_private_file(path) as file:
            file.write(content())
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:  # of an earlier start, or of another one that was faster
        pass
    except OSError as error:
        what = f"the secret of a first start cannot be written: {error.strerror}"
        raise refuse(str(path), what, f"Make the directory writable, or set {instead}.") from None


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        what = f"the secret of its first start cannot be read: {error.strerror}"
        raise refuse(
            str(path), what, "Run this as the user of the daemon, or set auth.secret_file."
        ) from None
    return True


def secret_of(config: Config) -> Secret:
    """Return the shared secret; ConfigError, with the way to get one, when there is none."""
    if not config.auth.secret:
        what = "there is no secret to sign tokens with"
        fix = "Start the daemon once (chatd dev, chatd serve), use its --config, or set auth.secret_file."
        raise refuse(str(secret_path(config)), what, fix)
    return config.auth.secret
