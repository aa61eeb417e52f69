"""A certificate authority of a test, and certificates of its listeners on this machine."""

import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class Authority:
    """`file`: its certificate, PEM, for SSL_CERT_FILE."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "authority.pem"
        self._chain = directory / "listener.pem"
        key, own_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "authority of a test")])
        own_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        own_names = x509.SubjectAlternativeName(
            [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        )
        signer = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        root = (
            _builder(name, name, key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(signer, critical=False)
            .sign(key, hashes.SHA256())
        )
        own = (
            _builder(own_name, name, own_key)
            .add_extension(own_names, critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False
            )
            .sign(key, hashes.SHA256())
        )
        private = own_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.file.write_bytes(root.public_bytes(serialization.Encoding.PEM))
        self._chain.write_bytes(own.public_bytes(serialization.Encoding.PEM) + private)

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS of a listener that speaks HTTP/2 and HTTP/1.1, with a certificate for 127.0.0.1."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._chain)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return x509.CertificateBuilder(
        issuer, subject, key.public_key(), x509.random_serial_number(), now - timedelta(1), now + timedelta(1)
    )
