"""The web client of one installation: its built files with the settings put in, and `client.json`."""

import html
import logging
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from chatd.config.web import Web, origin_of
from chatd.web.assets import Asset, Built, NotBuilt, asset, read_built, with_values

log = logging.getLogger(__name__)

FOLDER = "app"
PAGE, EMBEDDED, WORKER, INSTALLATION = "index.html", "embed.html", "sw.js", "app.webmanifest"
ROUTES = {PAGE: "", EMBEDDED: "embed"}  # pages have addresses without suffix
SOCKET = "v1/ws"
_TITLE = "<title>chatd</title>"  # of the sources


class ClientJson(msgspec.Struct, frozen=True, omit_defaults=True):
    """The settings of the page (web/README.md "Addresses"). `socket`: relative to where this is fetched."""

    version: str
    socket: str
    title: str
    accent: str
    login: bool
    remember: bool
    token_url: str = ""
    login_url: str = ""
    media_origins: tuple[str, ...] = ()


class Website:
    """The answers of the public pages by path without the first slash; none while they are disabled or not built."""

    def __init__(
        self,
        web: Web,
        directory: Path | None = None,
        media_urls: tuple[str, ...] = (),
        image_hosts: tuple[str, ...] = (),
    ) -> None:
        self._directory = directory
        self._built: Built | None = None
        self._plain: dict[str, Asset] = {}  # files without settings in them
        self.reconfigure(web, media_urls, image_hosts)

    def reconfigure(
        self, web: Web, media_urls: tuple[str, ...] = (), image_hosts: tuple[str, ...] = ()
    ) -> None:
        """Put other settings in force. Files are read once, when the pages are enabled.

        `media_urls`: the addresses of files of users, from which its pages load; none without media. `image_hosts`:
        those of pictures of cards.
        """
        self._web = web
        self.assets: Mapping[str, Asset] = {}
        self.problem = ""
        if not web.enabled:
            return
        try:
            built = self._read()
        except NotBuilt as error:
            self.problem = str(error)
            log.error("%s", error)
        else:
            self.assets = {**self._plain, **_configured(built, web, media_urls, image_hosts)}

    @property
    def enabled(self) -> bool:
        return self._web.enabled

    @property
    def origin(self) -> str:
        """The origin of its pages; "" where it is not configured."""
        return self._web.origin

    @property
    def path(self) -> str:
        """The path below which browsers find the pages, as of a proxy in front; it ends with a slash."""
        return urlsplit(self._web.url).path if self._web.url else "/"

    @property
    def remember_days(self) -> int:
        """Days for which a browser stays logged in; 0 when it does not."""
        return self._web.remember_days if self._web.enabled else 0

    def client_json(self, *, login: bool) -> bytes:
        """Return the settings of the page as JSON; `login`: whether there are built-in accounts."""
        web = self._web
        return msgspec.json.encode(
            ClientJson(
                version=self._built.version if self._built is not None else "",
                socket=SOCKET,
                title=web.title,
                accent=web.accent,
                login=login,
                remember=login and web.remember_days > 0,
                token_url=web.token_url,
                login_url=web.login_url,
                media_origins=web.media_origins,
            )
        )

    def _read(self) -> Built:
        if self._built is None:
            self._built = read_built(FOLDER, self._directory)
            files = self._built.files.items()
            special = (*ROUTES, WORKER, INSTALLATION)
            self._plain = {name: asset(name, content) for name, content in files if name not in special}
        return self._built


def _configured(
    built: Built, web: Web, media_urls: tuple[str, ...], image_hosts: tuple[str, ...]
) -> dict[str, Asset]:
    """Return the answers that depend on the settings: pages with title and policy, worker, manifest."""
    found = {}
    for name, route in ROUTES.items():
        if name in built.files:
            framed_by = web.embed_origins if name == EMBEDDED else ()
            policy = page_policy(web, framed_by, media_urls, image_hosts)
            content = (
                built.files[name].decode().replace(_TITLE, f"<title>{html.escape(web.title)}</title>", 1)
            )
            found[route] = asset(name, content.encode(), Content_Security_Policy=policy)
    if WORKER in built.files:
        found[WORKER] = asset(
            WORKER, built.files[WORKER], Content_Security_Policy=page_policy(web, (), media_urls)
        )
    if INSTALLATION in built.files:
        shown = {"name": web.title, "short_name": web.title, "theme_color": web.accent}
        found[INSTALLATION] = asset(INSTALLATION, with_values(built.files[INSTALLATION], shown))
    return found


def page_policy(
    web: Web,
    framed_by: tuple[str, ...] = (),
    media_urls: tuple[str, ...] = (),
    image_hosts: tuple[str, ...] = (),
) -> str:
    """Return the Content Security Policy of a page that pages of these origins may show in a frame."""
    media = (*web.media_origins, *map(origin_of, media_urls))
    socket = [web.origin.replace("http", "ws", 1)] if web.origin else []
    token = [origin_of(web.token_url)] if web.token_url else []
    directives = {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "blob:", "data:", *media, *(f"https://{host}" for host in image_hosts)],
        "media-src": ["'self'", "blob:", *media],
        "connect-src": ["'self'", *socket, *media, *token],
        "worker-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": list(framed_by) or ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["chatd"],
    }
    return "; ".join(" ".join((name, *values)) for name, values in directives.items())
