"""main.py: help, defaults, slips and exit codes."""

import subprocess
import sys

import pytest

from chatd import __version__
from chatd.cli.main import COMMANDS


def test_help_names_every_command(run):
    result = run("--help")
    assert result.exit_code == 0
    for name, (_, sentence) in COMMANDS.items():
        assert f"  {name}" in result.output
        assert sentence in result.output
    assert "Exit codes" in result.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_and_teaches_by_example(run, name):
    result = run(name, "--help")
    assert result.exit_code == 0
    assert "Examples:" in result.output


def test_help_and_errors_import_nothing_heavy():
    script = (
        "import sys; from chatd.cli.main import main; main(['--help'], standalone_mode=False);"
        "heavy = {'uvicorn', 'starlette', 'rich', 'jwt', 'argon2', 'cryptography', 'asyncio', 'msgspec'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_the_version_is_printed(run):
    assert run("--version").output == f"chatd {__version__}\n"


def test_a_slip_in_a_command_is_answered_with_the_nearest(run):
    result = run("tokn", "alice")
    assert result.exit_code == 2
    assert "Did you mean token?" in result.output


def test_a_command_like_no_other_is_wrong_usage(run):
    assert run("zzz").exit_code == 2


@pytest.mark.parametrize("arguments", [[], ["--config", "chatd.toml"], ["--set", "limits.page=5"]])
def test_without_a_command_it_serves(run, arguments):
    # A broken setting ends the start; only commands that load the configuration meet it.
    result = run(*arguments, CHATD_LIMITS__PAGES="5")
    assert result.exit_code == 3
    assert ("chatd.toml" if "--config" in arguments else "CHATD_LIMITS__PAGES") in result.output


def test_the_shell_sees_the_exit_codes(shell):
    assert shell("config", "check").returncode == 0
    assert shell("config", "check", "--set", "limits.page=5").returncode == 3
    assert shell("config", "chek").returncode == 2
    assert shell("serve", "--config", "missing.toml").returncode == 3


def test_errors_go_to_stderr_with_the_name_of_the_program(shell):
    result = shell("config", "check", "--set", "limits.pgae=5")
    assert result.stdout == ""
    assert result.stderr == "chatd: --set limits.pgae: unknown key limits.pgae. Did you mean limits.page?\n"


def test_a_closed_stdout_is_no_traceback():
    script = f"{sys.executable} -m chatd config doc | true"
    result = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True)
    assert "Traceback" not in result.stderr
