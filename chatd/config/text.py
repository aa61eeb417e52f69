"""The configuration as text: a commented file, a reference in markdown, and the values in force."""

import json
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from chatd.config.loading import DEFAULT, Loaded
from chatd.config.model import Config
from chatd.config.reloadable import takes_effect
from chatd.config.schema import Field, plain, sections

MARKDOWN_HEAD = """# Configuration

`chatd serve` reads it at the start, and again on SIGHUP. Then a change counts at once, for new connections, or
only after a restart; the log names the keys that wait for one. A configuration with any error changes nothing.
"""
_USE = (
    "# The environment wins over this file (CHATD_LIMITS__PAGE=100), flags win over both.\n"
    "# Check it with: chatd config check --config FILE\n"
)
HEAD = (
    "# Configuration of chatd: every key with its default. Remove the # before a key that you change.\n"
    + _USE
)
SHORT_HEAD = (
    "# Configuration of chatd: what most installations decide on. Remove the # before a key that you change.\n"
    "# Other keys: chatd config init --section NAME, or --all.\n" + _USE
)
# The keys that most installations decide on: where it listens, who may connect, and what is switched on.
FIRST = frozenset(
    {
        "listen.address",
        "listen.tls_cert",
        "listen.tls_key",
        "listen.trusted_proxies",
        "listen.origins",
        "storage.directory",
        "auth.secret_file",
        "auth.jwks_url",
        "people.enabled",
        "bots.enabled",
        "moderation.enabled",
        "web.enabled",
        "web.url",
        "events.enabled",
        "push.enabled",
        "push.apps",
        "media.enabled",
        "channels.enabled",
        "search.enabled",
        "log.level",
    }
)
TABLE_HEAD = "| Key | Type | Default | A change counts | Meaning |\n|---|---|---|---|---|\n"
WIDTH = 100  # columns of a generated file: fits a terminal beside a log


def as_toml(section: str = "", *, everything: bool = False) -> str:
    """Return a file of keys with their defaults, commented out, so that unchanged keys follow later versions.

    It has the keys that most installations decide on; those of one section; or `everything`.
    """
    chosen = [one for one in sections() if not section or one.name == section]
    if not section and not everything:
        return SHORT_HEAD + "".join(
            f"\n[{one.name}]\n" + "".join(f"{_comment(field)}{_commented_out(field)}" for field in first)
            for one in chosen
            if (first := [field for field in one.fields if field.name in FIRST])
        )
    return HEAD + "".join(
        f"\n# {one.description}\n[{one.name}]\n" + "".join(map(_entry, one.fields)) for one in chosen
    )


def as_markdown() -> str:
    """Return the reference in markdown: one table a section."""
    return MARKDOWN_HEAD + "".join(
        f"\n## `[{one.name}]`\n\n{one.description}\n\n{TABLE_HEAD}"
        + "".join(_row(field) for field in one.fields)
        for one in sections()
    )


def as_shown(loaded: Loaded, *, only_changed: bool = False) -> str:
    """Return the values in force as TOML, with the origin of each; secrets are asterisks."""
    return "\n".join(_shown_lines(loaded, only_changed)) + "\n"


def as_json(loaded: Loaded) -> str:
    """Return the same for programs: {"section.key": {"value": ..., "origin": ...}}."""
    content = {
        field.name: {"value": plain(shown_value(loaded.config, field)), "origin": loaded.origins[field.name]}
        for section in sections()
        for field in section.fields
    }
    return json.dumps(content, indent=2)


def _entry(field: Field) -> str:
    return f"{_comment(field)}{_commented_out(field)}\n"


def _comment(field: Field) -> str:
    return "".join(f"# {line}\n" for line in wrap(f"{field.description} ({field.expects})", WIDTH - 2))


def _commented_out(field: Field) -> str:
    return f"#{field.key} = {_toml(field.default)}\n"


def _row(field: Field) -> str:
    default = f"`{_toml(field.default)}`"
    cells = (f"`{field.key}`", field.expects, default, takes_effect(field.name), field.description)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def _shown_lines(loaded: Loaded, only_changed: bool) -> Iterator[str]:
    for section in sections():
        entries = [
            (f"{field.key} = {_toml(shown_value(loaded.config, field))}", loaded.origins[field.name])
            for field in section.fields
            if not only_changed or loaded.origins[field.name] != DEFAULT
        ]
        if entries:
            yield f"[{section.name}]"
            yield from (f"{entry:<44} # {origin}" for entry, origin in entries)
            yield ""


def shown_value(config: Config, field: Field) -> Any:
    """Return a value as operators may see it, in its own type; secrets show themselves as asterisks."""
    value = getattr(getattr(config, field.section), field.key)
    if field.name == "auth.jwks_url" and "?" in value:  # a key of the provider is often part of the query
        return value.partition("?")[0] + "?********"
    return value


def _toml(value: Any) -> str:
    """Return TOML: as JSON for texts, numbers, truth values and lists of texts; tables are written inline."""
    shown = plain(value)
    if isinstance(shown, (list, tuple)):
        return "[" + ", ".join(map(_toml, shown)) + "]"
    if isinstance(shown, dict):
        return (
            "{}"
            if not shown
            else "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in shown.items()) + " }"
        )
    return json.dumps(shown, ensure_ascii=False)
