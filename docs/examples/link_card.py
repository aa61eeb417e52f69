"""A link card for an address that somebody pasted, made by the back end of an app: chatd opens no address of a user.

    python3 link_card.py https://example.org/

It prints the card as JSON, or says why there is none. It contacts public addresses only, over https, at the one that
it looked at, also after a redirect; it sends no cookie, and reads half a megabyte in ten seconds. It needs nothing but
Python.
"""

import http.client
import ipaddress
import json
import signal
import socket
import ssl
import sys
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

REDIRECTS_MAX = 3
SECONDS = 10
BYTES_MAX = 512 * 1024
# What IPv6 gives out to the public; the ranges in it that lead to addresses of IPv4 are left out.
PUBLIC_V6 = ipaddress.ip_network("2000::/3")
CARRIES_V4 = [ipaddress.ip_network(one) for one in ("2002::/16", "2001::/32")]


class NoCard(Exception):
    """There is no card of this address."""


class Page(HTMLParser):
    """The title of a page, and what it says of itself to those who share it."""

    def __init__(self) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self.title = ""
        self._is_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "meta":
            name = (given.get("property") or given.get("name") or "").lower()
            self.meta.setdefault(name, given.get("content") or "")
        self._is_title = tag == "title" and not self.title

    def handle_endtag(self, tag: str) -> None:
        self._is_title = False

    def handle_data(self, data: str) -> None:
        if self._is_title:
            self.title += data


class Connection(http.client.HTTPSConnection):
    """A connection to the address that was looked at: a name that is resolved twice may have another one."""

    def __init__(self, host: str) -> None:
        super().__init__(host, timeout=SECONDS, context=ssl.create_default_context())

    def connect(self) -> None:
        connected = socket.create_connection((public_address(self.host), 443), self.timeout)
        self.sock = self._context.wrap_socket(connected, server_hostname=self.host)


def public_address(host: str) -> str:
    """Return an address of a host all of whose addresses are public."""
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)}
    except (OSError, UnicodeError):
        raise NoCard(f"there is no {host}") from None
    if not found or not all(map(is_public, found)):
        raise NoCard(f"{host} is not public")
    return min(found)


def is_public(text: str) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in PUBLIC_V6 and address.is_global and not any(address in one for one in CARRIES_V4)
    return address.is_global and not address.is_multicast


def link_card(url: str) -> dict[str, str]:
    """Return the card of an address. Raises NoCard."""
    page, where = Page(), url
    for _ in range(REDIRECTS_MAX + 1):
        content, where = fetched(where)
        if content is not None:
            page.feed(content)
            break
    else:
        raise NoCard("too many redirects")
    title = one_line(page.meta.get("og:title") or page.title)[:256]
    text = one_line(page.meta.get("og:description") or page.meta.get("description") or "")[:1024]
    if not title:
        raise NoCard("the page has no title")
    return {"type": "link", "url": url, "title": title, **({"text": text} if text else {})}


def fetched(url: str) -> tuple[str | None, str]:
    """Return the text of a page, or None and the address to which it redirects."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NoCard("this is no address") from None
    if parts.scheme != "https" or not parts.hostname or port not in (None, 443) or parts.username is not None:
        raise NoCard("only https, at its own port")
    connection = Connection(parts.hostname)
    try:
        path = parts.path or "/"
        connection.request(
            "GET", f"{path}?{parts.query}" if parts.query else path, headers={"Accept": "text/html"}
        )
        answer = connection.getresponse()
        if answer.status in (301, 302, 303, 307, 308):
            return None, urljoin(url, answer.getheader("Location") or "")
        if answer.status != 200 or answer.headers.get_content_type() != "text/html":
            raise NoCard(f"{answer.status}, {answer.headers.get_content_type()}")
        charset = answer.headers.get_content_charset() or "utf-8"
        return answer.read(BYTES_MAX).decode(charset, errors="replace"), url
    except (OSError, ValueError, LookupError, http.client.HTTPException) as error:
        raise NoCard(str(error) or type(error).__name__) from None
    finally:
        connection.close()


def one_line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def main() -> None:
    # A server may send a byte now and then, for ever.
    signal.alarm(SECONDS)
    try:
        print(json.dumps(link_card(sys.argv[1]), ensure_ascii=False))
    except NoCard as reason:
        sys.exit(f"no card: {reason}")


if __name__ == "__main__":
    main()
