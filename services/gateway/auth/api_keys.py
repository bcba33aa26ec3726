"""API keys: random, stored as hashes, each with a name and a rate."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

from services.gateway.auth.rate_limits import Rate

MAX_KEYS = 100  # each request's key is compared with all of them
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_PREFIX = "wk_"  # lets secret scanners recognise a leaked key
_RANDOM_BYTES = 32
_MAX_KEY_LENGTH = 256  # longer ones are not hashed
_FORM = "expected name:hash:rate, as `warmcast api-key NAME` prints it"


@dataclass(frozen=True)
class ApiKey:
    """One configured key. SHA-256 is enough, because a key has 256 random bits."""

    name: str
    digest: bytes  # SHA-256
    rate: Rate

    def entry(self) -> str:
        """Its entry in API_KEYS."""
        return f"{self.name}:{self.digest.hex()}:{self.rate}"


class ApiKeys:
    """The configured keys."""

    def __init__(self, keys: tuple[ApiKey, ...]) -> None:
        self.keys = keys

    def __bool__(self) -> bool:
        return bool(self.keys)

    def find(self, given: str) -> ApiKey | None:
        """The key with that value; None for an unknown one. Compares with every key, in constant time."""
        if not 0 < len(given) <= _MAX_KEY_LENGTH:
            return None
        digest = _digest(given)
        found = None
        for key in self.keys:
            if hmac.compare_digest(key.digest, digest):
                found = key
        return found


def parse_api_keys(text: str) -> ApiKeys:
    """Parses `name:hash:rate,name:hash:rate`. Raises ValueError, whose text holds no hash and no key."""
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if len(entries) > MAX_KEYS:
        raise ValueError(f"holds {len(entries)} keys; at most {MAX_KEYS} are allowed")
    keys: list[ApiKey] = []
    for number, entry in enumerate(entries, 1):
        key = _parse(entry, f"entry {number}")
        if any(other.name == key.name for other in keys):
            raise ValueError(f"entry {number} (“{key.name}”) has the name of an earlier entry")
        if any(other.digest == key.digest for other in keys):
            raise ValueError(f"entry {number} (“{key.name}”) has the hash of an earlier entry")
        keys.append(key)
    return ApiKeys(tuple(keys))


def new_api_key(name: str, rate: Rate) -> tuple[str, ApiKey]:
    """A new random key, shown to its user once, and its entry for the configuration. Raises ValueError."""
    if not _NAME.fullmatch(name):
        raise ValueError("a name is 1 to 63 letters, digits, dots, hyphens and underscores, a letter or digit first")
    key = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return key, ApiKey(name, _digest(key), rate)


def _parse(entry: str, where: str) -> ApiKey:
    name, _, rest = entry.partition(":")
    digest, _, rate = rest.partition(":")
    if not _NAME.fullmatch(name) or not rest:
        raise ValueError(f"{where} has no valid name; {_FORM}")
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"{where} (“{name}”) has no SHA-256 in 64 lower-case hex digits; {_FORM}")
    try:
        return ApiKey(name, bytes.fromhex(digest), Rate.parse(rate))
    except ValueError as error:
        raise ValueError(f"{where} (“{name}”): {error}") from None


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
