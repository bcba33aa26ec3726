"""Mutual TLS between services: server and client present a certificate of one authority."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path

import grpc


@dataclass(frozen=True)
class Tls:
    """Three PEM files as read at start-up; new files take effect at the next start."""

    certificate: bytes
    key: bytes = field(repr=False)
    authority: bytes

    @classmethod
    def read(cls, *, certificate: Path, key: Path, authority: Path) -> Tls:
        """Ends the process with status 2 and a line that names the file which cannot be read."""
        files = {"TLS_CERT_FILE": certificate, "TLS_KEY_FILE": key, "TLS_CA_FILE": authority}
        return cls(*(_read(name, path) for name, path in files.items()))

    def for_servers(self) -> grpc.ServerCredentials:
        """A client without a certificate of the authority is refused."""
        return grpc.ssl_server_credentials([(self.key, self.certificate)], self.authority, require_client_auth=True)

    def for_callers(self) -> grpc.ChannelCredentials:
        """A server without a certificate of the authority, for the name of the target, is refused."""
        return grpc.ssl_channel_credentials(self.authority, self.key, self.certificate)


def _read(name: str, path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        wrong = error.strerror or "cannot be read"
    else:
        if b"-----BEGIN " in content:
            return content
        wrong = "holds no PEM"
    print(f"configuration: {name}: {path}: {wrong}", file=sys.stderr)
    raise SystemExit(2)
