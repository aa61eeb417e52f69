"""`chatd key`: keys of the API are made, listed, rotated and deleted beside a running daemon."""

import json
import re
import urllib.error
import urllib.request

from chatd.cli.key import SCOPES
from chatd.http.api.application import TABLE
from chatd.http.api.route import scopes_of

SECRET = re.compile(r"ck_[a-z2-7]{8}_[A-Za-z0-9_-]{43}\n\Z")


def status(server, secret):
    """The answer of the operations address to a key."""
    [url] = re.findall(r"operations +(http://\S+)/readyz", server.output)
    request = urllib.request.Request(f"{url}/v1/users", headers={"Authorization": f"Bearer {secret.strip()}"})
    try:
        with urllib.request.urlopen(request, timeout=240) as response:
            return response.status
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_a_key_from_its_first_to_its_last_day(server):
    made = server.chatd("key", "create", "backend", "--scope", "users", "--scope", "tokens", "--ttl", "90d")
    assert SECRET.match(made.stdout), made.stderr
    assert status(server, made.stdout) == 200
    [row] = [json.loads(line) for line in server.chatd("key", "list", "--json").stdout.splitlines()]
    assert (row["name"], row["scopes"]) == ("backend", ["tokens", "users"])
    assert re.search(r"^backend +\S{8} until 20", server.chatd("key", "list").stdout)
    rotated = server.chatd("key", "rotate", "backend", "--overlap", "1h")
    assert SECRET.match(rotated.stdout)
    assert [status(server, secret) for secret in (made.stdout, rotated.stdout)] == [200, 200]
    assert server.chatd("key", "delete", "backend").stdout == "Deleted backend.\n"
    assert [status(server, secret) for secret in (made.stdout, rotated.stdout)] == [401, 401]
    assert server.chatd("key", "list").stdout == ""


def test_what_is_wrong_is_said(server):
    for arguments, said in (
        (("create", "two words", "--scope", "users"), "`name`"),
        (("rotate", "nobody"), "there is no key nobody"),
        (("delete", "nobody"), "there is no key nobody"),
    ):
        done = server.chatd("key", *arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert said in done.stderr
        assert done.stderr.count("\n") == 1


def test_the_command_line_has_the_scopes_of_the_routes(run):
    assert set(SCOPES) == scopes_of(TABLE)
    assert "'stats.read'" in run("key", "create", "k", "--scope", "everything").output


def test_without_a_daemon_all_is_as_with_one(run):
    assert "there is no database here" in run("key", "create", "backend", "--scope", "users").output
    run("user", "add", "zoe", "--password-file", "-", input="correct horse\n")
    made = run("key", "create", "backend", "--scope", "users").output
    rotated = run("key", "rotate", "backend").output
    assert SECRET.match(made)
    assert SECRET.match(rotated)
    assert rotated != made
    assert run("key", "list").output.startswith("backend ")
    assert run("key", "delete", "backend").output == "Deleted backend.\n"
    assert run("key", "list").output == ""
