"""Reading the small text files of an operator, configuration and secrets; unusual files are refused."""

import os
import stat
from pathlib import Path

from chatd.config.file_permissions import CHANGE, TOUCH, fault
from chatd.config.problems import refuse
from chatd.config.secret import Secret

TEXT_BYTES_MAX = 1 << 20  # a complete configuration with every comment is below 20 KiB
SECRET_BYTES_MAX = 4096  # a key of 256 bits is 44 characters; more is the wrong file
UTF8_MARK = b"\xef\xbb\xbf"


def read_text(path: str, bytes_max: int = TEXT_BYTES_MAX) -> str:
    """Return the UTF-8 text of a regular file of at most `bytes_max` bytes; else ConfigError."""
    return _decoded(path, _read(path, bytes_max, private=False))


def read_secret(path: str) -> Secret:
    """Return the secret in a file that only its owner may read, without a line end."""
    (secret,) = read_secrets(path, 1, "Write it with: openssl rand -base64 32")
    return secret


def read_secrets(path: str, lines_max: int, advice: str) -> tuple[Secret, ...]:
    """Return the secrets in a file that only its owner may read, one a line; ConfigError with `advice` otherwise."""
    lines = _decoded(path, _read(path, SECRET_BYTES_MAX, private=True)).rstrip("\r\n").splitlines()
    if not all(lines) or not 1 <= len(lines) <= lines_max:
        wanted = "exactly one line" if lines_max == 1 else f"one line, or up to {lines_max}"
        raise refuse(path, f"the secret must be {wanted}", advice)
    return tuple(map(Secret, lines))


def read_private(path: str, bytes_max: int) -> str:
    """Return the UTF-8 text of a file that only its owner may read, of at most `bytes_max` bytes; else ConfigError."""
    return _decoded(path, _read(path, bytes_max, private=True))


def require_private(path: str) -> None:
    """Refuse a file of another user, or one that group or world may read or write."""
    _require_private(path, os.stat(path))


def require_private_directory(path: Path) -> None:
    """Refuse a directory of another user, or one whose files other users may replace."""
    if wrong := fault(path, CHANGE):
        raise refuse(str(path), wrong.what, f"{wrong.fix}.")


def _require_private(path: str, status: os.stat_result) -> None:
    if wrong := fault(Path(path), TOUCH, status):
        raise refuse(path, f"holds a secret but {wrong.what}", f"{wrong.fix}.")


def _read(path: str, bytes_max: int, *, private: bool) -> bytes:
    # O_NONBLOCK: opening a FIFO must refuse, not wait for a writer.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise refuse(path, f"cannot be opened: {error.strerror}", _advice(path)) from None
    try:
        status = os.fstat(descriptor)
        _require_regular(path, status.st_mode)
        if private:
            _require_private(path, status)
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(bytes_max + 1)
    finally:
        os.close(descriptor)
    if len(content) > bytes_max:
        raise refuse(path, f"is longer than {bytes_max} bytes", "Is it the right file?")
    return content


def _advice(path: str) -> str:
    if not os.path.exists(path):  # not Path.exists, which raises when the directory cannot be read
        init = ", or write a file with: chatd config init" if path.endswith(".toml") else "."
        return f"Check the path{init}"
    return "Check its permissions and those of its directory."


def _require_regular(path: str, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise refuse(path, "is a directory", "Name the file inside it.")
    if not stat.S_ISREG(mode):
        raise refuse(path, "is not a regular file", "Copy the content to a file and name that.")


def _decoded(path: str, content: bytes) -> str:
    if content.startswith(UTF8_MARK):
        raise refuse(path, "begins with a byte order mark", "Save it as UTF-8 without BOM.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise refuse(f"{path}:{line}", "is not UTF-8 text", "Save it as UTF-8.") from None
