"""The generated part of the TypeScript client: equal to what protocol.md gives now, and by a grammar that refuses."""

import pytest

from tests.kit import typescript


@pytest.mark.parametrize("path", typescript.GENERATED, ids=lambda path: path.name)
def test_the_committed_file_is_what_protocol_md_gives(path):
    generated = typescript.GENERATED[path]()
    assert path.read_text(encoding="utf-8") == generated, "run `python -m tests.kit.typescript`"


@pytest.mark.parametrize(
    ("cell", "type", "optional"),
    [
        ("u53 ≥ 1", "number", False),
        ("str ≤ 64 bytes", "string", False),
        ("[{`user`, `read` u53?}]?", "{ user: string; read?: number }[]", True),
        ("{`rooms`, `unread`} of u53", "{ rooms: number; unread: number }", False),
        ("`left`, `removed` or `banned`", '"left" | "removed" | "banned"', False),
        ("map of [AccountRow]", "{ [name: string]: AccountRow[] }", False),
    ],
)
def test_a_cell_becomes_a_type(cell, type, optional):
    assert typescript.Cell(cell).whole() == (type, optional)


@pytest.mark.parametrize("cell", ["u54", "str <= 64", "[u53", "u53 or so", "{`user` u53", "str ≤ many", ""])
def test_a_cell_outside_the_grammar_is_refused(cell):
    with pytest.raises(typescript.Malformed):
        typescript.Cell(cell).whole()
