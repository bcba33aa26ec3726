"""Logins of the pages: a signed, stateless cookie."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.api_keys import ApiKey, ApiKeys

LIFETIME_SECONDS = 12 * 3600
MAX_NAME = 60  # characters
_MAX_COOKIE = 1_000  # characters; a longer one is not verified
_SESSION_KEY, _FORM_KEY = b"warmcast session cookie", b"warmcast form token"
_READER_KEY = b"warmcast read secret"
# With the prefix, browsers accept the cookie only with Secure, for the whole host and for no other.
_SECURE_COOKIE, _COOKIE = "__Host-warmcast", "warmcast"


class Role(StrEnum):
    """What a login allows."""

    OPERATOR = "operator"  # the warmup secret: everything
    READER = "reader"  # the read secret: reading, with the operators' pages
    API_KEY = "api-key"  # an API key: reading, without them


@dataclass(frozen=True)
class Session:
    """A verified login."""

    role: Role
    name: str  # as the user entered it: not verified
    cookie: str

    @property
    def may_write(self) -> bool:
        """Whether it allows imports, retries and the like."""
        return self.role is Role.OPERATOR

    @property
    def may_operate(self) -> bool:
        """Whether it opens the operators' pages."""
        return self.role in (Role.OPERATOR, Role.READER)


class _Claims(msgspec.Struct):
    """The content of the cookie."""

    role: Role
    name: str
    expires: int  # seconds since the epoch
    key: str = ""  # fingerprint of the API key or the read secret


class Sessions:
    """Issues and verifies cookies. The keys are derived from the warmup secrets, so that removing a secret ends the
    logins signed with it, and removing an API key or a read secret those that it opened."""

    def __init__(
        self,
        secrets: tuple[str, ...],
        keys: ApiKeys,
        read_secrets: tuple[str, ...] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`secrets`: the current one first."""
        self._serializer = URLSafeSerializer(
            [hkdf_sha256(secret.encode(), _SESSION_KEY) for secret in reversed(secrets)],  # the last one signs
            signer_kwargs={"key_derivation": "none", "digest_method": hashlib.sha256},
        )
        self._form_keys = [hkdf_sha256(secret.encode(), _FORM_KEY) for secret in secrets]
        self._reader_keys = [hkdf_sha256(secret.encode(), _READER_KEY) for secret in secrets]
        self._fingerprints = {
            Role.API_KEY: {_fingerprint(key) for key in keys.keys},
            Role.READER: {_read_fingerprint(key, secret) for key in self._reader_keys for secret in read_secrets},
        }
        self._clock = clock

    @property
    def configured(self) -> bool:
        """Whether a login is possible."""
        return bool(self._form_keys)

    def issue(self, role: Role, name: str, key: ApiKey | None = None) -> Session:
        """A new login of an operator or with an API key. Raises SECRET_NOT_CONFIGURED without a warmup secret."""
        return self._issue(role, name, _fingerprint(key) if key else "")

    def issue_reader(self, name: str, read_secret: str) -> Session:
        """A new login with that read secret. Raises SECRET_NOT_CONFIGURED without a warmup secret."""
        self._require_configured()
        return self._issue(Role.READER, name, _read_fingerprint(self._reader_keys[0], read_secret))

    def read(self, request: HTTPConnection) -> Session | None:
        """The login of a request; None without a valid one."""
        cookie = request.cookies.get(_cookie_name(request), "")
        if not self.configured or not 0 < len(cookie) <= _MAX_COOKIE:
            return None
        try:
            claims = msgspec.convert(self._serializer.loads(cookie), _Claims)
        except (BadData, msgspec.ValidationError):
            return None
        accepted = self._fingerprints.get(claims.role)
        if claims.expires <= self._clock() or (accepted is not None and claims.key not in accepted):
            return None
        return Session(claims.role, claims.name, cookie)

    def form_token(self, session: Session) -> str:
        """The token of forms on the pages of this login."""
        return _form_token(self._form_keys[0], session)

    def accepts_token(self, session: Session, token: str) -> bool:
        """Whether a form's token belongs to this login. Takes constant time."""
        given = token.encode("utf-8", "replace")
        accepted = [hmac.compare_digest(_form_token(key, session).encode(), given) for key in self._form_keys]
        return any(accepted)

    def _issue(self, role: Role, name: str, fingerprint: str) -> Session:
        self._require_configured()
        expires = int(self._clock()) + LIFETIME_SECONDS
        cookie = self._serializer.dumps(msgspec.to_builtins(_Claims(role, name, expires, fingerprint)))
        return Session(role, name, cookie if isinstance(cookie, str) else cookie.decode())

    def _require_configured(self) -> None:
        if not self.configured:
            raise WarmcastError(errors.SECRET_NOT_CONFIGURED, "logins need WARMUP_SECRET, which is not configured")

    @staticmethod
    def set_cookie(request: HTTPConnection, response: Response, session: Session) -> None:
        """Sends the cookie with a response."""
        name = _cookie_name(request)
        response.set_cookie(
            name,
            session.cookie,
            max_age=LIFETIME_SECONDS,
            path="/",
            secure=name == _SECURE_COOKIE,
            httponly=True,
            samesite="lax",
        )

    @staticmethod
    def clear_cookie(request: HTTPConnection, response: Response) -> None:
        """Deletes the browser's copy. A stolen copy stays valid until it expires."""
        name = _cookie_name(request)
        response.delete_cookie(name, path="/", secure=name == _SECURE_COOKIE, httponly=True, samesite="lax")


def hkdf_sha256(secret: bytes, purpose: bytes) -> bytes:
    """A key of 32 bytes for one purpose (RFC 5869, without salt)."""
    extracted = hmac.digest(bytes(hashlib.sha256().digest_size), secret, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")


def _form_token(key: bytes, session: Session) -> str:
    return hmac.digest(key, session.cookie.encode(), "sha256").hex()


def _fingerprint(key: ApiKey) -> str:
    # Of the hash: neither the key nor its hash may be in the cookie.
    return hashlib.sha256(b"warmcast api key:" + key.digest).hexdigest()[:16]


def _read_fingerprint(key: bytes, read_secret: str) -> str:
    # Under a key of the warmup secret: a hash alone would let the holder of a cookie try guesses.
    return hmac.digest(key, read_secret.encode(), "sha256").hex()[:16]


def _cookie_name(request: HTTPConnection) -> str:
    return _SECURE_COOKIE if request.scope.get("scheme") == "https" else _COOKIE
