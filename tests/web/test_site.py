"""site.py: the web client with the settings of one installation put in."""

import json
import logging
from pathlib import Path

import msgspec
import pytest

from chatd.config.web import Web
from chatd.web.site import Website, page_policy
from tests.kit.built_files import write_built

WEB = Web(enabled=True, url="https://chat.example/in/here/", title='Kaixin <&"> 开心', accent="#AA0011")


@pytest.fixture
def site(tmp_path: Path) -> Website:
    return Website(WEB, write_built(tmp_path))


def test_pages_have_addresses_without_suffix(site: Website) -> None:
    assert {"", "embed", "embed.js", "sw.js", "app.webmanifest", "main-ABCDEFG1.js"} <= set(site.assets)
    assert not {"index.html", "embed.html", "manifest.json", "console/index.html"} & set(site.assets)


def test_the_name_stands_in_the_page_as_text(site: Website) -> None:
    assert "<title>Kaixin &lt;&amp;&quot;&gt; 开心</title>" in site.assets[""].content.decode()


def test_an_installed_client_has_the_name_and_the_colour(site: Website) -> None:
    installed = json.loads(site.assets["app.webmanifest"].content)
    assert (installed["name"], installed["short_name"], installed["theme_color"]) == (
        WEB.title,
        WEB.title,
        WEB.accent,
    )
    assert "icons" in installed


def test_client_json_says_what_is_configured(site: Website) -> None:
    assert json.loads(site.client_json(login=True)) == {
        "version": "0123456789abcdef",
        "socket": "v1/ws",
        "title": WEB.title,
        "accent": "#AA0011",
        "login": True,
        "remember": True,
    }
    site.reconfigure(
        Web(
            enabled=True,
            token_url="https://app.example/t",
            login_url="https://app.example/l",
            remember_days=0,
        )
    )
    found = json.loads(site.client_json(login=False))
    assert (found["token_url"], found["login_url"]) == ("https://app.example/t", "https://app.example/l")
    assert (found["login"], found["remember"]) == (False, False)
    site.reconfigure(Web(enabled=True, media_origins=("https://media.example",)))
    assert json.loads(site.client_json(login=False))["media_origins"] == ["https://media.example"]


def test_other_settings_hold_at_once(site: Website) -> None:
    site.reconfigure(Web(enabled=False))
    assert site.assets == {}
    site.reconfigure(msgspec.structs.replace(WEB, title="New"))
    assert b"<title>New</title>" in site.assets[""].content


def test_files_that_are_missing_are_told_once_with_the_remedy(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    site = Website(WEB, tmp_path)
    assert "make web" in site.problem
    assert site.assets == {}
    assert len(caplog.records) == 1
    assert "make web" in caplog.text
    assert Website(Web(enabled=False), tmp_path).problem == ""


# --- the policy


def directives(policy: str) -> dict[str, list[str]]:
    return {name: values for name, *values in (one.split(" ") for one in policy.split("; "))}


def test_the_policy_admits_the_own_origin_and_nothing_inline() -> None:
    check_narrow(page_policy(Web(enabled=True)))


def test_pages_load_pictures_of_cards_from_the_hosts_of_the_operator_and_nothing_else() -> None:
    policy = directives(
        page_policy(Web(enabled=True), image_hosts=("img.example.com", "cdn.example.com:8443"))
    )
    assert policy.pop("img-src") == [
        "'self'", "blob:", "data:", "https://img.example.com", "https://cdn.example.com:8443",
    ]  # fmt: skip
    assert "example.com" not in str(policy)


def check_narrow(policy: str) -> None:
    assert directives(policy) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:"],
        "media-src": ["'self'", "blob:"],
        "connect-src": ["'self'"],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["chatd"],
    }


def test_the_policy_admits_what_is_configured_where_it_is_needed(tmp_path: Path) -> None:
    web = Web(
        enabled=True,
        url="https://chat.example/",
        token_url="https://app.example:8443/token?for=chat",
        media_origins=("https://img.example",),
        embed_origins=("https://app.example", "https://other.example"),
    )
    site = Website(web, write_built(tmp_path))
    page, framed = (
        directives(site.assets[name].headers["Content-Security-Policy"]) for name in ("", "embed")
    )
    assert page["connect-src"] == [
        "'self'",
        "wss://chat.example",
        "https://img.example",
        "https://app.example:8443",
    ]
    assert page["img-src"] == ["'self'", "blob:", "data:", "https://img.example"]
    assert page["media-src"] == ["'self'", "blob:", "https://img.example"]
    assert page["frame-ancestors"] == ["'none'"]
    assert framed == {**page, "frame-ancestors": ["https://app.example", "https://other.example"]}
    worker = directives(site.assets["sw.js"].headers["Content-Security-Policy"])
    assert worker == page


def test_pages_load_files_of_users_from_their_origin_and_send_them_there(tmp_path: Path) -> None:
    site = Website(
        WEB, write_built(tmp_path), media_urls=("https://files.example:8472/below", "https://s3.example")
    )
    for name in ("", "embed", "sw.js"):
        policy = directives(site.assets[name].headers["Content-Security-Policy"])
        for directive in ("img-src", "media-src", "connect-src"):
            assert policy[directive][-2:] == ["https://files.example:8472", "https://s3.example"]
    site.reconfigure(WEB)
    assert "files.example" not in site.assets[""].headers["Content-Security-Policy"]


def test_a_policy_that_admits_any_picture_is_found_out() -> None:
    broken = page_policy(Web(enabled=True)).replace("img-src 'self'", "img-src *")
    with pytest.raises(AssertionError):
        check_narrow(broken)
