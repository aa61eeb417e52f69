"""Rules over the settings of push notifications: the keys that an app needs, by platform."""

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from chatd.config.model import Config
from chatd.config.push import Platform, PushApp
from chatd.config.rule import Rule

# As Apple gives them: ten letters and digits.
APPLE_ID = re.compile(r"[A-Z0-9]{10}\Z")
# RFC 8292, 2.1; Apple refuses addresses without a real domain.
MAILTO = re.compile(r"mailto:[^@\s]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+\Z")


class Needs(NamedTuple):
    """The keys of an app of one platform besides app and key_file, and the sentence of a problem with them."""

    needed: tuple[str, ...]
    also: tuple[str, ...]
    says: str


NEEDS: Mapping[Platform, Needs] = {
    "apns": Needs(
        ("team", "key_id", "topic"),
        ("url",),
        "an app of apns needs team and key_id (ten letters and digits each, of Apple) and topic (the bundle id)",
    ),
    "fcm": Needs(
        (),
        ("project", "url", "display"),
        "an app of fcm needs nothing but key_file, whose project it has unless project names another",
    ),
    "web": Needs((), (), "an app of web needs nothing but key_file: browsers give the addresses"),
    "gateway": Needs(("url",), (), "an app of gateway needs url, the address of the gateway"),
}
OF_PLATFORMS = ("team", "key_id", "topic", "project", "url", "display")


def _has_needed(app: PushApp) -> bool:
    """Whether it has the keys of its platform, and no others."""
    needs = NEEDS[app.platform]
    set_keys = {key for key in OF_PLATFORMS if getattr(app, key)}
    is_apple = app.platform != "apns" or all(map(APPLE_ID.match, (app.team, app.key_id)))
    return is_apple and set(needs.needed) <= set_keys <= {*needs.needed, *needs.also}


def _app_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and "@" not in parts.netloc
    except ValueError:
        return False


def _subject(subject: str) -> bool:
    """Whether it names somebody whom a push service can reach."""
    if MAILTO.match(subject):
        return True
    try:
        parts = urlsplit(subject)
        return parts.scheme == "https" and "." in (parts.hostname or "") and not parts.username
    except ValueError:
        return False


def _keys_rule(platform: Platform) -> Rule:
    return Rule(
        ("push.apps",),
        NEEDS[platform].says,
        lambda c: all(_has_needed(app) for app in c.push.apps if app.platform == platform),
    )


def _has_web(config: Config) -> bool:
    return any(app.platform == "web" for app in config.push.apps)


RULES: tuple[Rule, ...] = (
    *map(_keys_rule, NEEDS),
    Rule(
        ("push.apps",),
        "the url of an app must be https, or http in a private network, without password",
        lambda c: all(_app_url(app.url) for app in c.push.apps if app.url),
    ),
    Rule(
        ("push.apps",),
        "two apps of one platform in push.apps have the same word `app`",
        lambda c: all(n == 1 for n in Counter((one.platform, one.app) for one in c.push.apps).values()),
    ),
    Rule(
        ("push.apps",),
        "push.apps may have one app of web: browsers are told one key",
        lambda c: sum(app.platform == "web" for app in c.push.apps) <= 1,
    ),
    Rule(
        ("push.vapid_subject", "push.apps"),
        "an app of web needs vapid_subject, a mailto: or https: address at which push services reach you",
        lambda c: not _has_web(c) or _subject(c.push.vapid_subject),
    ),
)
