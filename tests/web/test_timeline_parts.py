"""The pure parts of the timeline, tested in Node."""

from pathlib import Path

from tests.kit.node import WEB, Node
from tests.kit.node import node as node


def test_their_own_tests_pass(node: Node, tmp_path: Path) -> None:
    node.bundle(WEB / "app/test/timeline_parts.test.ts", folder=tmp_path)
    node.run("--test", tmp_path / "timeline_parts.test.mjs")
