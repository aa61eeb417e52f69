"""The sources of the web client: every text is in the files of texts, each of them in all languages, and no style sheet
knows left from right."""

import json
import re
from pathlib import Path

import pytest

from tests.kit.sources import ROOT

SOURCES = ROOT / "web/app/src"
CONSOLE = ROOT / "web/console/src"
LANGUAGES = ("en", "zh-CN")
LITERAL = re.compile(
    r""">\s*(?P<text>[^\s<>{}()=;&|?][^<>{}()=;]*[^\W\d_][^<>{}()=;]*)</"""
    r"""|\}\s+(?P<after>[^\W\d_][^<>{}()=;]*)</"""
    r"""|\b(?P<name>aria-label|title|placeholder|alt|label)="(?P<value>[^"]*[^\W\d_][^"]*)\""""
)
PHYSICAL = re.compile(
    r"(?<![-\w])(?:(?:margin|padding|border|inset|scroll-margin|scroll-padding)-(?:left|right|top|bottom)"
    r"|left|right|top|bottom|(?:min-|max-)?(?:width|height)|border-(?:top|bottom)-(?:left|right)-radius)\s*:"
    r"|(?:float|clear|text-align)\s*:\s*(?:left|right)\b"
)


def test_the_search_for_literals_finds_them():
    assert LITERAL.search("<p>Hello</p>")
    assert LITERAL.search("<p>\n  Hello you\n</p>")
    assert LITERAL.search("<p>{name} wrote</p>")
    assert LITERAL.search('<input placeholder="Search" />')
    assert not LITERAL.search('<p class="line">{t("row.draft")}</p>')
    assert not LITERAL.search("const names = new Map<string, Signal<User>>();")


def test_no_text_stands_in_a_component():
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)!r}"
        for path in sorted((*SOURCES.rglob("*.tsx"), *CONSOLE.rglob("*.tsx")))
        for match in LITERAL.finditer(without_comments(path.read_text(encoding="utf-8")))
    ]
    assert found == []


def texts(language: str, *parts: str) -> dict[str, str]:
    """Return the texts of these parts, by default of both: those of the first load, and more."""
    pairs: list[tuple[str, str]] = []
    for part in parts or ("", ".more"):
        path = SOURCES / f"locale/{language}{part}.json"
        json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=lambda found: pairs.extend(found))
    assert len(dict(pairs)) == len(pairs), f"{language}: a key stands twice"
    return dict(pairs)


def base_of(key: str) -> str:
    return re.sub(r"\.(one|other)$", "", key)


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_each_language_has_every_text(language):
    parts = ("", ".more", ".push")
    expected, found = texts("en", *parts), texts(language, *parts)
    assert {base_of(key) for key in found} == {base_of(key) for key in expected}
    for key, text in found.items():
        original = expected.get(key) or expected[f"{base_of(key)}.other"]
        parameters = [set(re.findall(r"\{(\w+)\}", one)) for one in (text, original)]
        assert parameters[0] == parameters[1], key


def test_a_parameter_in_chinese_has_a_space_beside_han():
    """`t` leaves it out where the parameter itself begins or ends in Han."""
    beside = re.compile(r"[\u4e00-\u9fff]\{|\}[\u4e00-\u9fff]")
    assert [text for text in texts("zh-CN").values() if beside.search(text)] == []


def test_every_text_is_used():
    code = "\n".join(path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.ts*"))
    prefixes = re.findall(r"`([a-z_.-]+)\$\{", code)
    unused = [
        key
        for key in map(base_of, texts("en"))
        if f'"{key}"' not in code and not any(key.startswith(prefix) for prefix in prefixes)
    ]
    assert unused == []


def of_the_first_load() -> dict[str, str]:
    """Return the code of the modules of the first load, without comments, by name."""
    found: dict[Path, str] = {}
    waiting = [SOURCES / "main.tsx"]
    while waiting:
        path = waiting.pop()
        if path in found or SOURCES not in path.parents:
            continue
        code = found[path] = without_comments(path.read_text(encoding="utf-8"))
        for name in re.findall(
            r"^(?:import|export) (?!type)[^;]*?from \"(\.[^\"]+)\.js\";", code, re.M | re.S
        ):
            target = (path.parent / name).resolve()
            waiting += [
                each for each in (target.with_suffix(".ts"), target.with_suffix(".tsx")) if each.exists()
            ]
    assert len(found) > 20
    return {path.name: code for path, code in found.items()}


def test_the_first_load_has_the_texts_it_shows():
    early = {base_of(key) for key in texts("en", "")}
    for name, code in of_the_first_load().items():
        for key in re.findall(r"\bt\(\s*\"([^\"]+)\"", code):
            assert key in early, f"{name}: {key} is among the texts that come later"


def test_the_first_load_has_the_icons_it_shows():
    code = of_the_first_load()
    early, later = (
        set(re.findall(r'^  "?([a-z-]+)"?: "', source, re.M))
        for source in (code["icons.tsx"], (SOURCES / "shell/more_icons.ts").read_text(encoding="utf-8"))
    )
    assert early
    assert later
    shown = {
        name: set(re.findall(r'\b(?:icon|Icon name|Sign name)(?:=|: )"([a-z-]+)"', text))
        for name, text in code.items()
    }
    assert set().union(*shown.values()) & early
    assert {name: icons & later for name, icons in shown.items() if icons & later} == {}


SHEETS = sorted((*SOURCES.rglob("*.css"), *CONSOLE.rglob("*.css")))


@pytest.mark.parametrize("path", SHEETS, ids=lambda path: str(path.relative_to(ROOT / "web")))
def test_a_style_sheet_has_logical_properties_only(path):
    css = re.sub(r"/\*.*?\*/|@(?:media|container)[^{]*", "", path.read_text(encoding="utf-8"), flags=re.S)
    assert [match.group(0) for match in PHYSICAL.finditer(css)] == []


def without_comments(code: str) -> str:
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", code, flags=re.S)
