"""The account rows of this device, by section and name (protocol.md, "Account rows"); pure.

The row with the higher stamp is valid, wherever it came from. A deleted row is kept as a stamp, so that an older page
does not bring it back.
"""

from collections.abc import Iterable, Mapping

from .packets import AccountRow


class AccountRows:
    """The rows of all sections."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, AccountRow]] = {}
        # The rows named since the round began.
        self._named: set[tuple[str, str]] = set()

    def begin_round(self) -> None:
        """Begin a sync."""
        self._named.clear()

    def take(self, sections: Mapping[str, Iterable[AccountRow]]) -> list[tuple[str, str]]:
        """Take the rows of a page or a push; return section and name of those that changed."""
        changed = []
        for section, rows in sections.items():
            held = self._rows.setdefault(section, {})
            for row in rows:
                name = row["name"]
                self._named.add((section, name))
                if name not in held or row["stamp"] > held[name]["stamp"]:
                    held[name] = row
                    changed.append((section, name))
        return changed

    def end_round(self, full_sections: Iterable[str]) -> list[tuple[str, str]]:
        """End a sync; return section and name of the rows that are forgotten, since their sections were walked in
        full and no page named them."""
        forgotten = [
            (section, name)
            for section in full_sections
            for name in self._rows.get(section, ())
            if (section, name) not in self._named
        ]
        for section, name in forgotten:
            del self._rows[section][name]
        self._named.clear()
        return forgotten

    def clear(self) -> list[tuple[str, str]]:
        """Forget all rows, as a new epoch demands; return their sections and names."""
        forgotten = [(section, name) for section, rows in self._rows.items() for name in rows]
        self._rows.clear()
        return forgotten

    def section(self, section: str) -> dict[str, object]:
        """Return the values of a section by name."""
        return {name: row["value"] for name, row in self._rows.get(section, {}).items() if "value" in row}

    def row(self, section: str, name: str) -> AccountRow | None:
        """Return one row, deleted or not."""
        return self._rows.get(section, {}).get(name)
