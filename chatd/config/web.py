"""The settings of the web client."""

from typing import Annotated
from urllib.parse import urlsplit

from chatd.config.section import Section, span, text

# The blue of the built files; its contrast on white is 5.7.
ACCENT = "#2B5FDB"


class Web(Section, frozen=True):
    """The web client: what is served to browsers, by the public listener (docs/web.md)."""

    enabled: Annotated[bool, text("Serve the web client. Off: a daemon behind phones serves no pages.")] = (
        False
    )
    url: Annotated[
        str,
        text(
            'Address at which people open it, https://chat.example/; its origin may open sockets. "" = local only.'
        ),
    ] = ""
    title: Annotated[str, text("Name of the installation, shown above the chats; 1 to 64 characters.")] = (
        "chatd"
    )
    accent: Annotated[str, text("Colour of buttons and links, #rrggbb.")] = ACCENT
    token_url: Annotated[
        str, text('URL of your app that gives a token for its session, as {"token"}; "" = none.')
    ] = ""
    login_url: Annotated[str, text('URL to log in at when token_url answers 401; "" = none.')] = ""
    media_origins: Annotated[
        tuple[str, ...], text("Origins of your pictures and files: pages may show those, and no others.")
    ] = ()
    embed_origins: Annotated[
        tuple[str, ...], text("Origins of web pages that may show /embed in a frame.")
    ] = ()
    remember_days: Annotated[
        int, span(0, 365, "Days a browser stays logged in to a built-in account; 0 = no cookie is set.")
    ] = 30

    @property
    def origin(self) -> str:
        """The origin of its pages; "" where their address is not configured, or none are served."""
        return origin_of(self.url) if self.enabled and self.url else ""


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL that was checked."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
