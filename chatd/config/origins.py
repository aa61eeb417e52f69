"""The settings of a running daemon, each with its origin, and those that wait for a restart."""

from collections.abc import Mapping
from typing import Any

from chatd.config.loading import DEFAULT
from chatd.config.model import Config
from chatd.config.reloadable import ReloadPlan, replaced, takes_effect
from chatd.config.schema import fields, plain
from chatd.config.text import shown_value


class Origins:
    """The origin of every value in force, and the values read at a reload that wait for a restart."""

    def __init__(self, origins: Mapping[str, str] | None = None) -> None:
        self._origins = dict(origins or {})
        self._waiting: dict[str, Any] = {}
        self._waiting_origins: dict[str, str] = {}

    def adopt(self, plan: ReloadPlan) -> None:
        """Take over the origins of a reload; a value that waits keeps its old one."""
        kept = {name: self._origins.get(name, DEFAULT) for name in plan.waiting}
        self._waiting = dict(plan.wanted)
        self._waiting_origins = {name: plan.origins.get(name, DEFAULT) for name in plan.waiting}
        self._origins = {**plan.origins, **kept}

    def rows(self, config: Config) -> list[dict[str, Any]]:
        """Return all settings of `config`, which is in force, in their order; secrets are asterisks.

        Keys: key, value, default, origin, counts (when a change does), expects, about; and waiting with its origin
        where another value was read that waits for a restart.
        """
        later = replaced(config, self._waiting)
        rows = []
        for name, field in fields().items():
            row = {
                "key": name,
                "value": plain(shown_value(config, field)),
                "default": plain(field.default),
                "origin": self._origins.get(name, DEFAULT),
                "counts": takes_effect(name),
                "expects": field.expects,
                "about": field.description,
            }
            if name in self._waiting:
                row["waiting"] = plain(shown_value(later, field))
                row["waiting_origin"] = self._waiting_origins.get(name, DEFAULT)
            rows.append(row)
        return rows
