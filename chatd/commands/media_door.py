"""The way of requests to files: whether media are on, where files are fetched, and the key of links."""

from chatd.config.model import Config
from chatd.protocol.errors import Refused
from chatd.protocol.media import MediaOffer


class MediaDoor:
    """`url`: where files are sent and fetched, "" while media are off. `link_key`: signs links."""

    def __init__(self) -> None:
        self.url = ""
        self.link_key = b""

    def require(self) -> None:
        """Raise Refused("not_supported") while media are off."""
        if not self.url:
            raise Refused("not_supported", "media are switched off here")

    def offer(self, config: Config) -> MediaOffer:
        """Return what a device learns in the reply to hello."""
        return MediaOffer(self.url, config.media.file_bytes, config.media.voice_ms)
