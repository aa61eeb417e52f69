"""loading.py with sources.py, files.py and rules.py: a `Config`, or the problems in words."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from chatd.config.addresses import is_loopback, split_address
from chatd.config.loading import load
from chatd.config.model import Config, several
from chatd.config.problems import ConfigError
from chatd.config.rules import RULES
from chatd.config.schema import fields

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def toml(tmp_path: Path) -> Any:
    def write(text: str | bytes, mode: int = 0o644) -> str:
        path = tmp_path / "chatd.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return str(path)

    return write


def problems(*arguments: Any, **named: Any) -> list[str]:
    """Return the problems of a configuration, one text each, without directories."""
    with pytest.raises(ConfigError) as caught:
        load(*arguments, **named)
    return [
        str(problem).replace(str(Path(problem.where).parent) + "/", "") for problem in caught.value.problems
    ]


# --- what is used


def test_without_anything_the_defaults_are_used():
    loaded = load()
    assert loaded.config == Config()
    assert set(loaded.origins.values()) == {"default"}
    assert set(loaded.origins) == set(fields())


def test_later_places_win_and_are_named(toml):
    path = toml("[limits]\npage = 50\nbatch = 10\nfocus = 4\n")
    loaded = load(
        path,
        {"CHATD_LIMITS__BATCH": "11", "CHATD_LIMITS__FOCUS": "5"},
        [("limits.focus", "6", "--set")],
    )
    limits = loaded.config.limits
    assert (limits.page, limits.batch, limits.focus) == (50, 11, 6)
    origins = loaded.origins
    assert origins["limits.page"] == f"{path}:2"
    assert origins["limits.batch"] == "env CHATD_LIMITS__BATCH"
    assert origins["limits.focus"] == "--set"
    assert origins["limits.watch"] == "default"


def test_the_environment_is_read_as_numbers_truth_values_and_lists():
    config = load(
        environment={
            "CHATD_RATES__ENABLED": "false",
            "CHATD_RATES__ROOM_PER_S": "2.5",
            "CHATD_LISTEN__TRUSTED_PROXIES": "10.0.0.0/8, ::1",
            "CHATD_LISTEN__ORIGINS": '["https://a.example", "http://b.example:8080"]',
            "CHATD_AUTH__KEYS": '[{"kid": "k", "algorithm": "EdDSA", "file": "k.pem"}]',
            "CHATD_LOG__LEVEL": "debug",
        }
    ).config
    assert config.rates.enabled is False
    assert config.rates.room_per_s == 2.5
    assert config.listen.trusted_proxies == ("10.0.0.0/8", "::1")
    assert config.listen.origins == ("https://a.example", "http://b.example:8080")
    assert config.auth.keys[0].kid == "k"
    assert config.log.level == "debug"


def test_other_variables_are_left_alone():
    assert load(environment={"CHATD_URL": "x", "CHATD_CONFIG": "y", "PATH": "/bin"}).config == Config()


def test_tables_dotted_keys_and_arrays_of_tables_are_located(toml):
    path = toml('limits.page = 5\n[[auth.keys]]\nkid = "a"\n')
    assert [text.partition(" must")[0] for text in problems(path)] == [
        "chatd.toml:1: limits.page",
        "chatd.toml:2: auth.keys",
    ]


# --- what is refused, all at once


def test_all_problems_are_told_at_once(toml):
    path = toml('top = 1\n[limts]\na = 1\n[limits]\npgae = 5\nbatch = -1\n[log]\nlevel = "loud"\n')
    assert problems(path, {"CHATD_LIMITS__PAGE": "many"}) == [
        "chatd.toml:1: top is outside every section. Write keys below one of: [listen], [storage], [auth], "
        "[limits], [rates], [delivery], [privacy], [people], [groups], [channels], [discovery], [search], "
        "[cards], [bots], [moderation], [outbox], [heartbeat], [drain], "
        "[web], [api], [events], [hooks], [push], [media], [egress], [log], [console]",
        "chatd.toml:2: unknown section [limts]. Did you mean limits?",
        "chatd.toml:5: unknown key limits.pgae. Did you mean limits.page?",
        "chatd.toml:6: limits.batch must be integer 1 to 1024, not -1. Default: 64",
        "chatd.toml:8: log.level must be one of debug, error, info, warning, not 'loud'. Default: \"info\"",
        "env CHATD_LIMITS__PAGE: limits.page must be integer 10 to 1000, not 'many'. Default: 200",
    ]


def test_a_key_under_the_wrong_section_is_found(toml):
    (said,) = problems(toml("[limits]\nreceipts_members = 5\n"))
    assert said.endswith("Did you mean delivery.receipts_members?")


def test_a_key_like_no_other_points_to_the_list(toml):
    (said,) = problems(toml("[limits]\nzzzzzzzz = 5\n"))
    assert said.endswith("See all keys: chatd config doc")


WRONG_VALUES = {
    "text for a number": '[limits]\npage = "many"',
    "truth value for a number": "[limits]\npage = true",
    "float for an integer": "[limits]\npage = 20.5",
    "negative": "[limits]\npage = -1",
    "zero timeout": "[limits]\nhello_timeout_s = 0",
    "huge": "[limits]\npage = 99999999999999999999999999",
    "not a number": "[rates]\nroom_per_s = nan",
    "infinite": "[rates]\nroom_per_s = inf",
    "unit in a text": '[drain]\ndeadline_s = "15s"',
    "number for a truth value": "[rates]\nenabled = 1",
    "text for a truth value": '[rates]\nenabled = "yes"',
    "number for a text": "[storage]\ndirectory = 5",
    "text for a list": '[listen]\norigins = "https://a.example"',
    "number in a list": "[listen]\norigins = [5]",
    "table for a value": "[limits.page]\na = 1",
    "date for a text": "[storage]\ndirectory = 2020-01-01",
    "key without algorithm": '[auth]\nkeys = [{kid = "a", file = "b"}]',
    "key with HS256": '[auth]\nkeys = [{kid = "a", algorithm = "HS256", file = "b"}]',
    "heartbeat below its range": "[heartbeat]\nforeground_s = 14",
    "heartbeat above its range": "[heartbeat]\nbackground_s = 291",
}


@pytest.mark.parametrize("text", WRONG_VALUES.values(), ids=WRONG_VALUES)
def test_wrong_values_are_refused_with_the_line(toml, text):
    (said,) = problems(toml(text))
    assert said.startswith(("chatd.toml:1: ", "chatd.toml:2: "))
    assert " must be " in said


NOT_TOML = {
    "duplicate key": ("[limits]\npage = 20\npage = 30\n", "chatd.toml:3: a key or table is written twice"),
    "duplicate table": ("[limits]\n[log]\n[limits]\n", "chatd.toml:3: a key or table is written twice"),
    "no value": ("[limits]\npage =\n", "chatd.toml:2: is not TOML"),
    "no quotes": ("[log]\nlevel = info\n", "chatd.toml:2: is not TOML"),
    "YAML": ("limits:\n  page: 5\n", "chatd.toml:1: is not TOML"),
    "control character": ('[log]\nlevel = "in\x00fo"\n', "chatd.toml:2: is not TOML"),
    "not UTF-8": (b'[log]\nlevel = "\xff"\n', "chatd.toml:2: is not UTF-8 text"),
    "UTF-16": ("[log]".encode("utf-16-le") + b"\xd8", "is not"),
    "byte order mark": (b"\xef\xbb\xbf[log]\n", "begins with a byte order mark"),
    "two megabytes": (b"#" * 2_000_000, "is longer than 1048576 bytes"),
    "nested deeply": ("a = " + "[" * 5000 + "]" * 5000, "is"),
}


@pytest.mark.parametrize(("text", "says"), NOT_TOML.values(), ids=NOT_TOML)
def test_unreadable_files_are_refused_in_words(toml, text, says):
    (said,) = problems(toml(text))
    assert says in said


def test_files_that_are_none_are_refused(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    says = {
        "missing": "cannot be opened: No such file",
        "fifo": "is not a regular file",
        ".": "is a directory",
    }
    for name, words in says.items():
        with pytest.raises(ConfigError, match=words):
            load(str(tmp_path / name))


def test_slips_in_variable_names_are_found():
    said = problems(environment={"CHATD_LIMITS_PAGE": "5", "CHATD_LIMIT__PAGE": "5"})
    assert said == [
        "env CHATD_LIMITS_PAGE: has one underscore too few. Write CHATD_LIMITS__PAGE.",
        "env CHATD_LIMIT__PAGE: unknown key limit.page. Did you mean limits.page?",
    ]


def test_a_broken_list_in_the_environment_is_refused():
    (said,) = problems(environment={"CHATD_LISTEN__ORIGINS": "[1"})
    assert said.startswith("env CHATD_LISTEN__ORIGINS: listen.origins is not a list")


@pytest.mark.parametrize(
    "written", ['"[::1]:1"', '["[::1]:1"]', '["127.0.0.1:1", "[::1]:1"]', '["[::1]:1", "127.0.0.1:2"]']
)
def test_an_address_is_one_or_several_in_a_file_as_in_a_variable(toml, written):
    wanted = tuple(json.loads(written)) if written.startswith("[") else (json.loads(written),)
    assert several(load(toml(f"[listen]\naddress = {written}")).config.listen.address) == wanted
    for text in (",".join(wanted), json.dumps(wanted)):
        listen = load(environment={"CHATD_LISTEN__ADDRESS": text}).config.listen
        assert several(listen.address) == wanted


def test_long_wrong_values_are_cut():
    (said,) = problems(environment={"CHATD_LIMITS__PAGE": "9" * 5000})
    assert len(said) < 200


# --- contradictions

BUCKET = '{"endpoint":"https://s3.example.org","bucket":"files","key_file":"k"}'
CONTRADICTIONS: dict[str, dict[str, str]] = {
    "bots without events": {"bots.enabled": "true"},
    "port missing": {"listen.address": "localhost"},
    "port 70000": {"listen.address": "127.0.0.1:70000"},
    "negative port": {"listen.address": "127.0.0.1:-1"},
    "IPv6 without brackets": {"listen.address": "::1:8470"},
    "broken IPv6": {"listen.address": "[::zz]:8470"},
    "host with a space": {"listen.address": "local host:8470"},
    "no address": {"listen.address": "[\"\"]"},
    "an address twice": {"listen.address": "127.0.0.1:80,[::1]:80,127.0.0.1:80"},
    "the second without port": {"listen.address": "127.0.0.1:80,localhost"},
    "one of both lists for both": {"listen.address": "0.0.0.0:80,[::]:80", "listen.ops_address": "[::1]:81,[::]:80"},
    "ops without port": {"listen.ops_address": "localhost"},
    "one listener for both": {"listen.ops_address": "127.0.0.1:8470"},
    "API without port": {"listen.api_address": "localhost"},
    "API beside metrics": {"listen.api_address": "127.0.0.1:8471"},
    "API on a network in the clear": {"listen.api_address": "10.0.0.1:8472"},
    "certificate without key": {"listen.tls_cert": "cert.pem"},
    "key without certificate": {"listen.tls_key": "key.pem"},
    "proxy with host bits": {"listen.trusted_proxies": "10.0.0.1/8"},
    "proxy by name": {"listen.trusted_proxies": "proxy.example"},
    "any origin": {"listen.origins": "*"},
    "origin with path": {"listen.origins": "https://a.example/"},
    "origin in capitals": {"listen.origins": "https://A.example"},
    "origin with half a wildcard": {"listen.origins": "https://a.example:8*"},
    "origin null": {"listen.origins": "null"},
    "origin with a wildcard": {"listen.origins": "https://*.example"},
    "no directory": {"storage.directory": " "},
    "directory too long for a socket": {"storage.directory": "/" + "d" * 96},
    "short secret": {"auth.secret": "0123456789abcdef0123456789abcde"},
    "a secret of one letter": {"auth.secret": "a" * 32},
    "a secret of seven letters": {"auth.secret": "abcdefg" * 3 + "gfedcba" * 2},
    "a word again and again": {"auth.secret": "changeme1-" * 4},
    "everybody a proxy": {"listen.trusted_proxies": "0.0.0.0/0"},
    "half of everybody": {"listen.trusted_proxies": "10.0.0.0/8,128.0.0.0/1"},
    "everybody a proxy, by IPv6": {"listen.trusted_proxies": "::/0"},
    "key set over http": {"auth.jwks_url": "http://idp.example/keys"},
    "key set from a file URL": {"auth.jwks_url": "file:///etc/passwd"},
    "key set with a password": {"auth.jwks_url": "https://a:b@idp.example/keys"},
    "key set without host": {"auth.jwks_url": "https:///keys"},
    "two keys, one kid": {
        "auth.keys": '[{"kid":"a","algorithm":"EdDSA","file":"x"},{"kid":"a","algorithm":"ES256","file":"y"}]'
    },
    "login beyond the longest lifetime": {"auth.token_lifetime_max_s": "600"},
    "first frame larger than later ones": {
        "limits.hello_frame_bytes": "65536",
        "limits.frame_bytes": "32768",
    },
    "body larger than its frame": {"limits.body_bytes": "65536"},
    "client frame larger than a server frame": {"limits.frame_bytes": "524288"},
    "body as JSON larger than a server frame": {"limits.body_bytes": "28673"},
    "members of a page larger than a server frame": {
        "limits.page": "410",
        "limits.server_frame_bytes": "65536",
        "limits.body_bytes": "4096",
        "limits.focus": "1",
    },
    "states larger than a server frame": {"limits.watch": "1639"},
    "receipts larger than a server frame": {"limits.focus": "17"},
    "server frame larger than the lag mark": {"limits.server_frame_bytes": "524288"},
    "ephemerals kept longer than events": {"outbox.ephemeral_bytes": "262144"},
    "lag after close": {"outbox.close_bytes": "262144"},
    "more for one user than for all": {"limits.connections": "5"},
    "more for one address than for all": {"limits.connections_per_address": "100001"},
    "more unknown than all": {"limits.unauthenticated": "100001"},
    "one address may wait for all": {"limits.unauthenticated_per_address": "1001"},
    "full above large": {"delivery.full_members": "1001"},
    "delivered above receipts": {"delivery.delivered_members": "101"},
    "background busier than foreground": {"heartbeat.background_s": "29"},
    "drain beyond its deadline": {"drain.window_s": "15"},
    "console over http": {"console.url": "http://ops.example.org"},
    "console below a folder": {"console.url": "https://ops.example.org/chatd"},
    "console on any port": {"console.url": "https://ops.example.org:*"},
    "web client over http": {"web.url": "http://chat.example/"},
    "web client below no folder": {"web.url": "https://chat.example/chat"},
    "web client with a query": {"web.url": "https://chat.example/?a=/"},
    "web client in capitals": {"web.url": "https://Chat.example/"},
    "web client with a password": {"web.url": "https://a:b@chat.example/"},
    "web client that cannot connect": {"web.enabled": "true"},
    "web client without a name": {"web.title": ""},
    "web client with two lines of name": {"web.title": "a\nb"},
    "a colour by name": {"web.accent": "red"},
    "tokens over http": {"web.token_url": "http://app.example/token"},
    "tokens that end a policy": {"web.token_url": "https://app.example/;script-src *"},
    "login without host": {"web.login_url": "https:///login"},
    "a default that nobody may choose": {"people.privacy": '{"write": {"default": "nobody"}}'},
    "a hook without the feed": {"hooks.endpoints": '[{"name":"a","url":"https://a/","secret_file":"s"}]'},
    "a hook of another scheme": {
        "events.enabled": "true",
        "hooks.endpoints": '[{"name":"a","url":"ftp://a/","secret_file":"s"}]',
    },
    "a hook with a password": {
        "events.enabled": "true",
        "hooks.endpoints": '[{"name":"a","url":"https://a:b@c/","secret_file":"s"}]',
    },
    "a hook of no name": {
        "events.enabled": "true",
        "hooks.endpoints": '[{"name":"","url":"https://a/","secret_file":"s"}]',
    },
    "a hook for reads that nobody notes": {
        "events.enabled": "true",
        "hooks.endpoints": '[{"name":"a","url":"https://a/","secret_file":"s","reads":true}]',
    },
    "two hooks of a name": {
        "events.enabled": "true",
        "hooks.endpoints": '[{"name":"a","url":"https://a/","secret_file":"s"},'
        '{"name":"a","url":"https://b/","secret_file":"s"}]',
    },
    "a judge without host": {"hooks.before": '[{"on":["message"],"url":"https:///","secret_file":"s"}]'},
    "two judges of a word": {
        "hooks.before": '[{"on":["message"],"url":"https://a/","secret_file":"s"},'
        '{"on":["edit","message"],"url":"https://b/","secret_file":"s"}]'
    },
    "apns without its team": {
        "push.apps": '[{"platform":"apns","key_file":"k","key_id":"ABCDE12345","topic":"com.example"}]'
    },
    "apns with a key id in small letters": {
        "push.apps": '[{"platform":"apns","key_file":"k","team":"ABCDE12345","key_id":"abcde12345","topic":"c"}]'
    },
    "fcm with a key of Apple": {
        "push.apps": '[{"platform":"fcm","key_file":"k","project":"p","topic":"com.example"}]'
    },
    "a gateway without url": {"push.apps": '[{"platform":"gateway","key_file":"k"}]'},
    "a gateway of another scheme": {"push.apps": '[{"platform":"gateway","key_file":"k","url":"ftp://a/"}]'},
    "a gateway with a password": {
        "push.apps": '[{"platform":"gateway","key_file":"k","url":"https://a:b@c/"}]'
    },
    "two apps of one word": {
        "push.apps": '[{"platform":"fcm","key_file":"k","project":"p"},{"platform":"fcm","key_file":"k","project":"q"}]'
    },
    "two apps of web": {
        "push.apps": '[{"platform":"web","key_file":"k"},{"platform":"web","app":"b","key_file":"k"}]',
        "push.vapid_subject": "mailto:ops@example.org",
    },
    "web without a subject": {"push.apps": '[{"platform":"web","key_file":"k"}]'},
    "web with a subject that Apple refuses": {
        "push.apps": '[{"platform":"web","key_file":"k"}]',
        "push.vapid_subject": "mailto:root@localhost",
    },
    "web with an address of its own": {
        "push.apps": '[{"platform":"web","key_file":"k","url":"https://push.example/"}]',
        "push.vapid_subject": "https://example.org",
    },
    "an index of another name": {"search.file": "/var/lib/chatd/chatd.sqlite"},
    "media without port": {"media.address": "localhost"},
    "media beside the chat": {"media.enabled": "true", "media.address": "127.0.0.1:8470"},
    "media on a network in the clear": {"media.enabled": "true", "media.address": "0.0.0.0:8472"},
    "media over http": {"media.url": "http://media.example"},
    "media with a path that ends": {"media.url": "https://media.example/files/"},
    "media nowhere": {"media.directory": "a\0b"},
    "media in no bucket": {"media.engine": "s3"},
    "media in a bucket in the clear": {"media.engine": "s3", "media.s3": BUCKET.replace("https", "http")},
    "media in a bucket below a path": {"media.engine": "s3", "media.s3": BUCKET.replace("org", "org/b")},
    "media in a bucket with a name to quote": {"media.engine": "s3", "media.s3": BUCKET.replace("files", "a/b")},
    "a network with host bits": {"egress.allow": "10.0.0.1/8"},
    "any pictures": {"web.media_origins": "*"},
    "pictures of cards from anywhere": {"cards.image_hosts": "https://img.example.org"},
    "a frame of any port": {"web.embed_origins": "https://app.example:*"},
}  # fmt: skip


@pytest.mark.parametrize("values", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradictions_are_refused_at_their_origin(values):
    said = problems(flags=[(name, text, f"--set {name}") for name, text in values.items()])
    assert said
    assert all(text.startswith("--set ") for text in said)


def test_every_rule_holds_for_the_defaults_and_is_broken_above():
    assert all(rule.holds(Config()) for rule in RULES)
    named = {name for values in CONTRADICTIONS.values() for name in values}
    assert not [rule.says for rule in RULES if not named.intersection(rule.keys)]


USABLE: list[dict[str, str]] = [
    {"listen.address": "[::1]:0", "listen.ops_address": "[::1]:0"},
    {"listen.ops_address": ""},
    {"listen.address": "0.0.0.0:80,[::]:80", "listen.ops_address": "127.0.0.1:81, [::1]:81"},
    {"listen.api_address": "127.0.0.1:8472,[::1]:8472"},
    {"listen.api_address": "10.0.0.1:8472", "listen.trusted_proxies": "10.0.0.0/8"},
    {"listen.origins": "*", "listen.unsafe_any_origin": "true"},
    {"listen.origins": "https://[::1]:8443"},
    {"listen.origins": "http://localhost:*,http://[::1]:*"},
    {"auth.jwks_url": "http://localhost:9000/keys"},
    {"auth.jwks_url": "https://idp.example/keys?tenant=a"},
    {"auth.secret": SECRET},
    {"auth.secret": "correct horse battery staple and two more words"},
    {"listen.trusted_proxies": "10.0.0.0/8,fc00::/7,::1"},
    {"web.enabled": "true", "web.url": "https://chat.example:8443/in/here/"},
    {"media.enabled": "true", "media.engine": "s3", "media.s3": BUCKET},
    {
        "web.enabled": "true",
        "web.url": "http://127.0.0.1:8470/",
        "web.token_url": "https://app.example/t?for=chat",
    },
]


@pytest.mark.parametrize("values", USABLE, ids=str)
def test_unusual_but_right_values_are_used(values):
    load(flags=[(name, text, "--set") for name, text in values.items()])


def test_addresses_are_split():
    assert split_address("127.0.0.1:8470") == ("127.0.0.1", 8470)
    assert split_address("[::1]:0") == ("::1", 0)
    assert split_address("localhost:65535") == ("localhost", 65535)


def test_loopback_is_recognised():
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost"))
    assert not any(is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.org", ""))


# --- secrets


def test_a_secret_file_is_read_without_its_line_end(tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    loaded = load(environment={"CHATD_AUTH__SECRET_FILE": str(path)})
    assert loaded.config.auth.secret.reveal() == SECRET
    assert loaded.origins["auth.secret"] == f"file {path}"


def test_no_mistake_hides_another(tmp_path):
    path = tmp_path / "chatd.toml"
    path.write_text(f'''
[limits]
pgae = 5
body_bytes = 262144
frame_bytes = "many"
hello_frame_bytes = 32768
[outbox]
lag_bytes = 2000000
[auth]
secret = "{SECRET}"
''')
    path.chmod(0o644)
    environment = {"CHATD_AUTH__SECRET_FILE": "missing", "CHATD_LISTEN__ADDRESS": "nowhere"}
    found = "\n".join(problems(str(path), environment=environment))
    for said in (
        ":3: unknown key limits.pgae",
        "limits.frame_bytes must be integer",
        "a connection must lag before it is closed",
        "holds a secret but other users may open it",
        "auth.secret and auth.secret_file are both set",
        "env CHATD_LISTEN__ADDRESS: listen.address must be",
    ):
        assert said in found
    assert "would not fit a client frame" not in found, "no rule is judged by a value that is wrong itself"


def test_a_file_that_cannot_be_read_hides_no_mistake_elsewhere(tmp_path):
    (tmp_path / "chatd.toml").write_text("[limits")
    environment = {"CHATD_LIMITS__PAGE": "many", "CHATD_AUTH__SECRET_FILE": str(tmp_path / "missing")}
    found = problems(str(tmp_path / "chatd.toml"), environment=environment)
    assert [
        words in said for words, said in zip(("is not TOML", "limits.page", "missing"), found, strict=True)
    ] == [True] * 3


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644])
def test_a_secret_others_may_read_is_refused(tmp_path, mode):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(mode)
    (said,) = problems(environment={"CHATD_AUTH__SECRET_FILE": str(path)})
    assert "other users may open it" in said
    assert f"chmod 600 {path}" in said or "chmod 600 secret" in said


@pytest.mark.parametrize("content", ["", "\n", SECRET + "\n" + SECRET, "x" * 5000])
def test_a_secret_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "secret"
    path.write_text(content)
    path.chmod(0o600)
    assert problems(environment={"CHATD_AUTH__SECRET_FILE": str(path)})


def test_a_missing_secret_file_is_refused(tmp_path):
    (said,) = problems(environment={"CHATD_AUTH__SECRET_FILE": str(tmp_path / "secret")})
    assert "cannot be opened" in said


def test_a_configuration_with_a_secret_must_be_private(toml):
    text = f'[auth]\nsecret = "{SECRET}"\n'
    assert "other users may open it" in problems(toml(text, 0o644))[0]
    assert load(toml(text, 0o600)).config.auth.secret.reveal() == SECRET


def test_a_secret_twice_is_refused(tmp_path):
    environment = {"CHATD_AUTH__SECRET_FILE": "x", "CHATD_AUTH__SECRET": SECRET}
    (said,) = problems(environment=environment)
    assert "both set" in said


def test_no_problem_shows_a_secret(toml):
    canary = "canary5c9b1f"
    for text in (f'[auth]\nsecret = "{canary}"', f'[auth]\nsecret = ["{canary}"]'):
        assert canary not in "".join(problems(toml(text, 0o600)))
    assert canary not in "".join(problems(environment={"CHATD_AUTH__SECRET": canary}))
