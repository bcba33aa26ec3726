"""Settings of gRPC connections."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, ValidationInfo, field_validator

from services.common.rpc.tls import Tls
from services.common.settings import Settings


class TlsSettings(Settings):
    """Mutual TLS between the services; without the three files connections are not encrypted."""

    tls_cert_file: Path | None = Field(
        None, description="certificate of this process, PEM; TLS is on if this and the next two are set"
    )
    tls_key_file: Path | None = Field(None, description="private key of that certificate, PEM")
    tls_ca_file: Path | None = Field(
        None, validate_default=True, description="certificate authority that is trusted, PEM"
    )

    @field_validator("tls_ca_file")
    @classmethod
    def _all_or_none(cls, authority: Path | None, info: ValidationInfo) -> Path | None:
        files = {"TLS_CERT_FILE": info.data.get("tls_cert_file"), "TLS_KEY_FILE": info.data.get("tls_key_file")}
        if len({bool(path) for path in (*files.values(), authority)}) > 1:
            missing = [name for name, path in {**files, "TLS_CA_FILE": authority}.items() if path is None]
            raise ValueError(f"TLS needs all three files: set {' and '.join(missing)} too")
        return authority

    def tls(self) -> Tls | None:
        """Reads the files; None without TLS. Ends the process with status 2 when one cannot be read."""
        if not (self.tls_cert_file and self.tls_key_file and self.tls_ca_file):
            return None
        return Tls.read(certificate=self.tls_cert_file, key=self.tls_key_file, authority=self.tls_ca_file)


class HealthSettings(Settings):
    """An address for probes, which do not use TLS."""

    health_listen: str | None = Field(
        None, description="host:port that serves only gRPC health, without TLS, for probes; default: none"
    )
