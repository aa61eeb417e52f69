"""`chatd config`: the generated file is right, and the shown values hold no secret."""

import datetime
import json
import re
import stat
import tomllib

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from chatd.config.loading import load
from chatd.config.memory import memory_of, shown
from chatd.config.model import Config
from chatd.config.schema import fields
from chatd.config.text import FIRST

SECRET = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("options", [(), ("--all",)], ids=["short", "all"])
def test_the_generated_file_is_the_default_configuration(run, tmp_path, options):
    text = run("config", "init", *options).output
    path = tmp_path / "chatd.toml"
    path.write_text(text)
    assert load(str(path)).config == Config()
    path.write_text(re.sub(r"^#(?=[a-z])", "", text, flags=re.M))
    loaded = load(str(path))
    assert loaded.config == Config()
    left = {name for name, origin in loaded.origins.items() if origin == "default"}
    assert left == (set() if options else set(fields()) - FIRST)


def test_without_an_option_it_is_one_page(run):
    text = run("config", "init").output
    assert len(text.splitlines()) <= 77
    assert text.count("\n#enabled = false\n") == 9


def test_a_section_is_written_on_its_own(run):
    text = run("config", "init", "--section", "push").output
    assert re.findall(r"^\[(\w+)\]", text, re.MULTILINE) == ["push"]
    assert "#delay_s = 10" in text
    assert run("config", "init", "--section", "push", "--all").exit_code == 2


def test_the_generated_file_explains_every_key(run):
    text = run("config", "init", "--all").output
    unwrapped = text.replace("\n# ", " ")
    for field in fields().values():
        assert f"\n#{field.key} = " in text
        assert field.description in unwrapped


def test_a_file_is_written_private_and_never_overwritten(run, tmp_path):
    assert run("config", "init", "--output", "chatd.toml").exit_code == 0
    path = tmp_path / "chatd.toml"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("# mine\n")
    result = run("config", "init", "--output", "chatd.toml")
    assert result.exit_code == 1
    assert "exists" in result.output
    assert path.read_text() == "# mine\n"


def test_the_reference_lists_every_key_with_its_default(run):
    text = run("config", "doc").output
    for field in fields().values():
        assert f"| `{field.key}` |" in text
    assert text.count("\n## `[") == len(Config.__struct_fields__)


def test_check_says_ok_and_warns(run):
    result = run("config", "check", CHATD_AUTH__SECRET=SECRET)
    assert (result.exit_code, result.stdout) == (0, "OK\n")
    result = run("config", "check", "--set", "rates.enabled=false", CHATD_AUTH__SECRET=SECRET)
    assert (result.exit_code, result.stdout) == (0, "OK (1 warning)\n")
    assert "rates.enabled" in result.stderr


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ("listen.address=0.0.0.0:8470", "without TLS"),
        ("listen.ops_address=0.0.0.0:8471", "need no token"),
        ("listen.unsafe_any_origin=true", "every web page"),
        ("auth.accounts=false", "accounts are off"),
        ("push.enabled=true", "no push service"),
    ],
)
def test_check_warns_of_what_is_allowed_but_unwise(run, change, word):
    assert word in run("config", "check", "--set", change).stderr


def test_check_quiet_is_silent_when_all_is_well(run):
    assert run("config", "check", "--quiet", "--set", "rates.enabled=false").output == ""


def test_check_reads_the_key_files(run, tmp_path):
    (tmp_path / "key.pem").write_text("no key")
    keys = '[{"kid": "a", "algorithm": "ES256", "file": "key.pem"}]'
    result = run("config", "check", CHATD_AUTH__KEYS=keys)
    assert result.exit_code == 3
    assert "key.pem holds no public key" in result.stderr
    assert run("config", "check", "--set", "auth.jwks_file=missing").exit_code == 3


def test_check_says_what_is_wrong_with_every_file_at_once(run):
    keys = [{"kid": name, "algorithm": "ES256", "file": f"{name}.pem"} for name in ("a", "b")]
    environment = {
        "CHATD_AUTH__KEYS": json.dumps(keys),
        "CHATD_AUTH__JWKS_FILE": "keys.json",
        "CHATD_AUTH__SECRET_FILE": "secret",
        "CHATD_LISTEN__TLS_CERT": "cert.pem",
        "CHATD_LISTEN__TLS_KEY": "key.pem",
    }
    for command in ("config", "check"), ("serve",):
        result = run(*command, **environment)
        assert (result.exit_code, result.stderr.count("\n")) == (3, 5), result.stderr
        for name in ("a.pem", "b.pem", "keys.json", "secret", "cert.pem"):
            assert f"{name}" in result.stderr


def certificate(tmp_path, name):
    """A self-signed certificate and its key, the key private."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    day = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(day).not_valid_after(day + datetime.timedelta(days=3650))
    signed = builder.sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    (tmp_path / f"{name}.crt").write_bytes(signed.public_bytes(pem))
    path = tmp_path / f"{name}.key"
    path.write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    path.chmod(0o600)


def test_check_reads_the_certificate_and_its_key(run, tmp_path):
    certificate(tmp_path, "one")
    certificate(tmp_path, "two")

    def checked(crt, key):
        return run("config", "check", "--set", f"listen.tls_cert={crt}", "--set", f"listen.tls_key={key}")

    assert checked("one.crt", "one.key").exit_code == 0
    for crt, key in (("one.crt", "two.key"), ("one.key", "one.key"), ("missing.crt", "one.key")):
        result = checked(crt, key)
        assert result.exit_code == 3
        assert "cannot be used" in result.stderr
    (tmp_path / "one.key").chmod(0o644)
    assert "other users may open it" in checked("one.crt", "one.key").stderr


def test_show_names_the_origin_of_every_value(run, tmp_path):
    (tmp_path / "chatd.toml").write_text("[limits]\npage = 50\n")
    result = run(
        "config", "show", "--config", "chatd.toml", "--set", "limits.batch=9", CHATD_LIMITS__FOCUS="3"
    )
    lines = dict(line.split(" # ") for line in result.output.splitlines() if " # " in line)
    origins = {key.strip(): origin for key, origin in lines.items()}
    assert origins["page = 50"] == "chatd.toml:2"
    assert origins["batch = 9"] == "--set limits.batch"
    assert origins["focus = 3"] == "env CHATD_LIMITS__FOCUS"
    assert origins["watch = 200"] == "default"


def test_what_is_shown_is_toml_again(run):
    keys = '[{"kid": "a", "algorithm": "ES256", "file": "key.pem"}]'
    result = run("config", "show", "--set", "listen.origins=https://a.example", CHATD_AUTH__KEYS=keys)
    shown = tomllib.loads(result.output)
    assert shown["listen"]["origins"] == ["https://a.example"]
    assert shown["auth"]["keys"] == [{"kid": "a", "algorithm": "ES256", "file": "key.pem"}]


def test_show_changed_leaves_the_defaults_out(run):
    result = run("config", "show", "--changed", "--set", "limits.page=50")
    assert tomllib.loads(result.output) == {"limits": {"page": 50}}


def test_show_json_is_for_programs(run):
    shown = json.loads(run("config", "show", "--json", "--set", "limits.page=50").output)
    assert shown["limits.page"] == {"value": 50, "origin": "--set limits.page"}
    assert set(shown) == set(fields())


@pytest.mark.parametrize("form", [[], ["--json"], ["--changed"]])
def test_no_secret_is_ever_shown(run, tmp_path, form):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    path.chmod(0o600)
    for environment in ({"CHATD_AUTH__SECRET": SECRET}, {"CHATD_AUTH__SECRET_FILE": "secret"}):
        result = run("config", "show", *form, **environment)
        assert result.exit_code == 0
        assert SECRET not in result.output
        assert "********" in result.output


def test_a_secret_is_refused_on_the_command_line(run):
    result = run("config", "show", "--set", f"auth.secret={SECRET}")
    assert result.exit_code == 2
    assert "auth.secret_file" in result.output
    assert SECRET not in result.output


def test_a_set_without_value_is_wrong_usage(run):
    assert run("config", "show", "--set", "limits.page").exit_code == 2


@pytest.mark.parametrize("form", [(), ("--json",), ("--changed",)])
def test_the_query_of_a_key_url_is_not_shown(run, form):
    """Providers put a key of theirs into it."""
    url = "https://idp.example/keys"
    result = run("config", "show", *form, CHATD_AUTH__JWKS_URL=f"{url}?api_key=plugh")
    assert f"{url}?********" in result.output
    assert "plugh" not in result.output


def test_memory_is_shown_for_the_configuration_in_force(run):
    few = run("config", "show", "--memory", CHATD_LIMITS__CONNECTIONS="1000").output
    assert re.search(r"connections, idle \(limits\.connections\) +31\.2 MiB", few)
    usual = memory_of(Config())
    assert f"{shown(usual.worst - usual.idle)}\n" in few
    assert "all connections" in few
