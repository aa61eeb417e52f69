"""The way of requests to files: whether media are on, where files are fetched, and the key of links."""

from chatd.config.model import Config
from chatd.core.file_links import LinkClaims, end_of, own_path, signed
from chatd.env import Env
from chatd.protocol.errors import Refused
from chatd.protocol.media import MediaOffer

# Of a link for the back end of the host app, which looks at a file before others see it.
HOST_LINK_S = 600


class MediaDoor:
    """`url`: where files are sent and fetched, "" while nothing listens. `link_key`: signs links."""

    def __init__(self, env: Env, *, is_on: bool) -> None:
        self._is_on = is_on
        self.url = ""
        self.link_key = b""
        self._env = env

    def require(self) -> None:
        """Raise Refused("not_supported") where media are off."""
        if not self._is_on:
            raise Refused("not_supported", "media are switched off here")

    def host_link(self, file: str) -> str:
        """Return an address that opens a file for ten minutes, whoever has it; "" while nothing listens."""
        if not self.url:
            return ""
        claims = LinkClaims("", "", end_of(self._env.now_ms(), HOST_LINK_S))
        return self.url + signed(self.link_key, own_path(file), claims)

    def offer(self, config: Config) -> MediaOffer:
        """Return what a device learns in the reply to hello."""
        return MediaOffer(self.url, config.media.file_bytes, config.media.voice_ms)
