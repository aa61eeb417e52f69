"""The few pieces of HTML a page is put together from. Nothing here knows what a result is."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

GOOD, BAD, WARN = "good", "bad", "warn"  # classes of page.css


def section(title: str, content: str) -> str:
    """A card with a heading; nothing when it would be empty."""
    return f"<section><h2>{escape(title)}</h2>{content}</section>" if content else ""


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of cells, which are markup; its heads are plain text. Empty columns are left out, and empty tables."""
    if not rows:
        return ""
    kept = [place for place in range(len(heads)) if not place or any(row[place] for row in rows)]
    head = "".join(f"<th>{escape(heads[place])}</th>" for place in kept)
    body = "".join(f"<tr>{''.join(f'<td>{row[place]}</td>' for place in kept)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def tile(figure: str, title: str, kind: str = "") -> str:
    """A figure in large letters and what it is."""
    return f'<div class="tile"><b class="{kind}">{escape(figure)}</b><span>{escape(title)}</span></div>'


def marked(text: str, kind: str) -> str:
    """Words that are good or bad news."""
    return f'<span class="{kind}">{escape(text)}</span>'


def words(text: str) -> str:
    """Words of a cell that may take several lines."""
    return f'<div class="words">{escape(text)}</div>' if text else ""


def bullets(lines: Sequence[str]) -> str:
    """Lines one below the other. Nothing without lines."""
    points = "".join(f"<li>{escape(line)}</li>" for line in lines)
    return f'<ul class="bullets">{points}</ul>' if points else ""
