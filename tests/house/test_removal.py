"""Content is removed in core/removal.py and by the statements of storage/sqlite/removal.py, and nowhere else.

An erased person is gone only if whoever removes a text forgets none of the places where it stands.
"""

import ast
import re

import pytest

from tests.kit.sources import Source, sources

PLACES = {"chatd/core/removal.py", "chatd/storage/sqlite/removal.py"}
# Each with the reason why it is no removal.
OTHERS = {
    "chatd/core/event_view.py": "leaves a text out of what one reader is sent; it stays stored",
    "chatd/client/": "another program, which obeys what it is told",
    "chatd/conformance/": "another program, which imports nothing of the server",
}
# Taking the text of an event, or saying that a message is recalled.
REMOVED = {"body": "UNSET", "recalled": "True"}
DELETES = re.compile(
    r"DELETE\s+FROM\s+(events|reactions)\b|UPDATE\s+events\s+SET\s+(?!ignored)(\w+)", re.IGNORECASE
)
# A message with reactions, pins and edits is stored anew; what is new is decided in core.
STORED_ANEW = "UPDATE events SET blob = ?, changed = ? WHERE position = ?"
CLEARED = "DELETE FROM reactions WHERE room = ? AND seq = ? AND user = ? AND emoji = ?"
ALLOWED = (STORED_ANEW, CLEARED)


def removals(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            emptied = (
                ast.unparse(node)
                for target in node.targets
                if isinstance(target, ast.Attribute) and REMOVED.get(target.attr) == ast.unparse(node.value)
            )
            found += emptied
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found += [node.value] * (DELETES.search(node.value) is not None and node.value not in ALLOWED)
    return found


def is_one_of_the_others(source: Source) -> bool:
    return any(source.name.startswith(other) for other in OTHERS)


@pytest.mark.parametrize("text", [
    "message.event.body = UNSET", "event.recalled = True", "X = 'DELETE FROM events WHERE position < ?'",
    "X = '''\nUPDATE events\nSET blob = ?'''", "X = 'delete from reactions WHERE user = ?'",
])  # fmt: skip
def test_a_removal_is_recognised(text: str) -> None:
    assert removals(ast.parse(text))


@pytest.mark.parametrize("text", ["body = UNSET", "event.body = body", f"X = {STORED_ANEW!r}"])
def test_other_changes_are_none(text: str) -> None:
    assert not removals(ast.parse(text))


def test_content_is_removed_in_one_place() -> None:
    found = {
        source.name: removals(source.tree) for source in sources("chatd") if not is_one_of_the_others(source)
    }
    assert {name for name, what in found.items() if what} == PLACES, found
