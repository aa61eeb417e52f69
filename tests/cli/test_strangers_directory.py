"""Commands on a data directory of somebody else: words and an exit code, never a traceback."""

import os
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import chatd

NOBODY = 65534

COMMANDS = (
    "dev --once --port 0 --data DIR",
    "serve --data DIR --set listen.address=127.0.0.1:0 --set listen.ops_address=",
    "token bob --data DIR",
    "chat --as bob --with alice --data DIR",
    "backup --data DIR DIR/b",
    "restore --data DIR DIR/b",
    "migrate status --data DIR",
    "migrate up --data DIR",
    "compact --data DIR",
    "user list --data DIR",
)


@pytest.fixture
def theirs(tmp_path: Path) -> Iterator[Path]:
    """A directory we may not even look into; for root it is enough to be nobody for a while."""
    for module in pkgutil.walk_packages(chatd.__path__, "chatd."):  # nobody may be unable to read them later
        if not module.name.endswith(("__main__", ".example")):
            import_module(module.name)
    import_module("encodings.idna")  # which a look-up of an address imports
    (tmp_path / "theirs").mkdir(mode=0)
    us = os.geteuid()
    if us == 0:
        os.seteuid(NOBODY)
    yield tmp_path / "theirs"
    os.seteuid(us)
    (tmp_path / "theirs").chmod(0o700)


@pytest.mark.parametrize("command", COMMANDS)
def test_it_is_refused_in_words(run, theirs: Path, command: str) -> None:
    result = run(*command.replace("DIR", str(theirs)).split())
    assert isinstance(result.exception, SystemExit), result.output
    assert result.exit_code in (1, 3)
    assert "Permission denied" in result.output
    assert str(theirs) in result.output


def test_a_directory_open_to_all_is_refused_before_a_secret_goes_there(run, tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    for command in ("dev --once --port 0", "serve --set listen.address=127.0.0.1:0"):
        result = run(*command.split(), "--data", str(tmp_path / "open"))
        assert result.exit_code == 3
        assert "other users may change it (mode 0777). Run: chmod 700" in result.output
    assert list((tmp_path / "open").iterdir()) == []
    checked = run("config", "check", "--data", str(tmp_path / "open"))
    assert "other users may open it (mode 0777)" in checked.output
