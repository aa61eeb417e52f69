"""The parts of the web client that need no browser, tested in Node."""

from pathlib import Path

from tests.kit.node import WEB, Node
from tests.kit.node import node as node


def test_their_own_tests_pass(node: Node, tmp_path: Path) -> None:
    sources = sorted((WEB / "app/test").glob("*.test.ts"))
    node.bundle(*sources, folder=tmp_path)
    node.run("--test", *(tmp_path / source.with_suffix(".mjs").name for source in sources))
