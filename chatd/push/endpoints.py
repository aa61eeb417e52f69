"""The endpoints of Web Push, which come from clients: where the daemon is asked to send requests."""

from collections.abc import Collection
from ipaddress import ip_address

from chatd.egress.guard import EgressRefused, Guard, target_of
from chatd.protocol.errors import Refused


def require_endpoint(url: str, allow: Collection[str]) -> None:
    """Refuse a URL to which no notification will be sent. Names are not looked up here, but at each request.

    `allow`: networks that are not public, and may be reached all the same, without TLS, too.
    """
    try:
        target = target_of(url)
        if target.scheme != "https" and not allow:
            raise EgressRefused("it is not https")
        try:
            ip_address(target.host)
        except ValueError:
            return
        Guard(allow).permitted([target.host], target.scheme)
    except EgressRefused as error:
        raise Refused("bad_request", f"no endpoint of a push service: {error}", field="token") from None
