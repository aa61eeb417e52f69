"""reloadable.py: the settings that a running daemon can take over, key by key."""

from typing import Any

import msgspec

from chatd.config.model import Auth, Config, Limits, Listen, Log
from chatd.config.push import Push, PushApp
from chatd.config.rates import Rates
from chatd.config.reloadable import TAKES_EFFECT, ReloadPlan, plan_reload, takes_effect
from chatd.config.schema import fields
from chatd.config.secret import Secret
from chatd.protocol.limits import DEFAULTS


def taken(running: Config, **sections: Any) -> ReloadPlan:
    return plan_reload(running, msgspec.structs.replace(running, **sections))


def test_nothing_changed_is_nothing_to_do():
    assert plan_reload(Config(), Config()) == ReloadPlan(Config(), (), ())


def test_what_can_change_is_taken_and_what_cannot_is_kept_and_named():
    wanted = {
        "rates": Rates(writes_burst=7),
        "listen": Listen(address="127.0.0.1:1", origins=("https://a.b",)),
    }
    found = taken(Config(), **wanted, log=Log(level="debug"))
    assert found.config == Config(
        rates=Rates(writes_burst=7), listen=Listen(origins=("https://a.b",)), log=Log(level="debug")
    )
    assert set(found.changed) == {"rates.writes_burst", "listen.origins", "log.level"}
    assert found.waiting == ("listen.address",)


def test_another_secret_is_a_change_and_is_not_shown():
    found = taken(Config(auth=Auth(secret=Secret("a" * 32))), auth=Auth(secret=Secret("b" * 32)))
    assert found.changed == ("auth.secret",)
    assert "b" * 32 not in repr(found)


def test_a_certificate_is_renewed_but_tls_does_not_come_or_go():
    plain, old, new = Listen(), Listen(tls_cert="a", tls_key="b"), Listen(tls_cert="c", tls_key="d")
    assert taken(Config(listen=old), listen=new).config.listen == new
    for running, wanted in ((plain, old), (old, plain)):
        found = taken(Config(listen=running), listen=wanted)
        assert found.config.listen == running
        assert found.waiting == ("listen.tls_cert", "listen.tls_key")


def test_what_clients_were_told_at_hello_waits_for_a_restart():
    assert {f"limits.{name}" for name in DEFAULTS} <= {
        name for name in TAKES_EFFECT if takes_effect(name) == "restart"
    }
    assert taken(Config(), limits=Limits(page=100)).waiting == ("limits.page",)


def test_the_table_names_keys_that_exist():
    assert set(TAKES_EFFECT) <= set(fields())


def test_push_its_apps_and_what_they_show_change_without_a_restart():
    app = PushApp(platform="web", key_file="vapid.pem")
    wanted = Push(enabled=True, apps=(app,), vapid_subject="mailto:a@example.org", content_max="none")
    found = taken(Config(), push=wanted)
    assert (found.config.push, found.waiting) == (wanted, ())
