"""The settings of the sockets."""

from typing import Annotated

from chatd.config.section import Section, span, text


class Listen(Section, frozen=True):
    """The listeners of the daemon, and the proxies and web pages it trusts."""

    address: Annotated[
        str | tuple[str, ...],
        text("HOST:PORT of the public listener, or several; usually behind a proxy."),
    ] = "127.0.0.1:8470"
    ops_address: Annotated[
        str | tuple[str, ...],
        text('HOST:PORT of metrics and health, or several; "" = none. Separate: never public by mistake.'),
    ] = "127.0.0.1:8471"
    api_address: Annotated[
        str | tuple[str, ...],
        text(
            'HOST:PORT for the API of the host app alone, or several; "" = none: ops_address serves it, too.'
        ),
    ] = ""
    tls_cert: Annotated[str, text('PEM file with the certificate chain; "" = no TLS here.')] = ""
    tls_key: Annotated[str, text("PEM file with the key of tls_cert; not readable by other users.")] = ""
    trusted_proxies: Annotated[
        tuple[str, ...],
        text("Networks (CIDR) whose X-Forwarded-For is used: the client is its last hop outside them."),
    ] = ()
    origins: Annotated[
        tuple[str, ...],
        text("Web pages that may connect, scheme://host[:port], :* for any port; apps send no Origin."),
    ] = ()
    unsafe_any_origin: Annotated[
        bool, text('Allows "*" in origins: any web page may open a socket with a token it has.')
    ] = False
    backlog: Annotated[
        int, span(1, 65535, "Connections queued for accept; the usual net.core.somaxconn.")
    ] = 4096
    request_deadline_s: Annotated[
        float,
        span(0.1, 300, "Seconds for a request head. A slow phone needs 2, a slowloris attack never ends."),
    ] = 10.0
