"""Login cookies: signatures, expiry, revocation."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from services.common import errors
from services.common.errors import WarmcastError
from services.gateway.auth.api_keys import ApiKeys, new_api_key
from services.gateway.auth.rate_limits import Rate
from services.gateway.auth.sessions import LIFETIME_SECONDS, Role, Session, Sessions, hkdf_sha256

OLD, NEW = "the first secret of all", "the second secret of all"
NO_KEYS = ApiKeys(())


def request(cookie: str, *, scheme: str = "http", name: str = "warmcast") -> HTTPConnection:
    headers = [(b"cookie", f"{name}={cookie}".encode())]
    return HTTPConnection({"type": "http", "scheme": scheme, "headers": headers})


def _claims(cookie: str) -> dict[str, Any]:
    """The content of a cookie, which anyone can read."""
    content = cookie.rpartition(".")[0].removeprefix(".")
    packed = base64.urlsafe_b64decode(content + "=" * (-len(content) % 4))
    claims: dict[str, Any] = json.loads(zlib.decompress(packed) if cookie.startswith(".") else packed)
    return claims


def test_hkdf_is_that_of_rfc_5869() -> None:
    # Test case 3 has no salt and no info; its first block is the first 32 bytes.
    expected = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d"
    assert hkdf_sha256(b"\x0b" * 22, b"").hex() == expected


def test_a_login_is_read_back() -> None:
    sessions = Sessions((NEW,), NO_KEYS)
    issued = sessions.issue(Role.OPERATOR, "Zoë 🚀")
    assert sessions.read(request(issued.cookie)) == issued
    assert issued.may_write


@pytest.mark.parametrize("cookie", ["", "x", "a.b.c", "x" * 2_000])
def test_another_text_is_no_login(cookie: str) -> None:
    assert Sessions((NEW,), NO_KEYS).read(request(cookie)) is None


def test_a_changed_cookie_is_no_login() -> None:
    sessions = Sessions((NEW,), NO_KEYS)
    cookie = sessions.issue(Role.API_KEY, "Ada").cookie
    for index in range(len(cookie)):
        other = "A" if cookie[index] != "A" else "B"
        changed = cookie[:index] + other + cookie[index + 1 :]
        read = sessions.read(request(changed))
        # The last character of Base64 has bits that do not count.
        assert read is None or index == len(cookie) - 1


def test_a_login_ends_after_its_lifetime() -> None:
    now = 1_000_000.0
    sessions = Sessions((NEW,), NO_KEYS, clock=lambda: now)
    cookie = sessions.issue(Role.OPERATOR, "Ada").cookie
    now += LIFETIME_SECONDS - 1
    assert sessions.read(request(cookie))
    now += 1
    assert sessions.read(request(cookie)) is None


def test_a_login_outlives_one_rotation_of_the_secret() -> None:
    cookie = Sessions((OLD,), NO_KEYS).issue(Role.OPERATOR, "Ada").cookie
    assert Sessions((NEW, OLD), NO_KEYS).read(request(cookie))
    assert Sessions((NEW,), NO_KEYS).read(request(cookie)) is None
    signed_by_new = Sessions((NEW, OLD), NO_KEYS).issue(Role.OPERATOR, "Ada").cookie
    assert Sessions((NEW,), NO_KEYS).read(request(signed_by_new))


def test_removing_an_api_key_ends_its_logins() -> None:
    _, one = new_api_key("one", Rate(1, 1))
    _, other = new_api_key("other", Rate(1, 1))
    cookie = Sessions((NEW,), ApiKeys((one, other))).issue(Role.API_KEY, "Ada", one).cookie
    read = Sessions((NEW,), ApiKeys((one,))).read(request(cookie))
    assert read is not None
    assert not read.may_write
    assert Sessions((NEW,), ApiKeys((other,))).read(request(cookie)) is None


READ, OTHER_READ = "the first read secret", "the second read secret"


def test_removing_a_read_secret_ends_its_logins() -> None:
    cookie = Sessions((NEW,), NO_KEYS, (READ, OTHER_READ)).issue_reader("Ada", READ).cookie
    read = Sessions((NEW,), NO_KEYS, (READ,)).read(request(cookie))
    assert read is not None
    assert (read.role, read.may_operate, read.may_write) == (Role.READER, True, False)
    assert Sessions((NEW,), NO_KEYS, (OTHER_READ,)).read(request(cookie)) is None
    assert Sessions((NEW,), NO_KEYS).read(request(cookie)) is None


def test_a_readers_login_outlives_one_rotation_of_the_warmup_secret() -> None:
    cookie = Sessions((OLD,), NO_KEYS, (READ,)).issue_reader("Ada", READ).cookie
    assert Sessions((NEW, OLD), NO_KEYS, (READ,)).read(request(cookie))
    assert Sessions((NEW,), NO_KEYS, (READ,)).read(request(cookie)) is None


def test_a_cookie_has_no_hash_of_the_read_secret_alone() -> None:
    first = Sessions((NEW,), NO_KEYS, (READ,)).issue_reader("Ada", READ).cookie
    second = Sessions((OLD,), NO_KEYS, (READ,)).issue_reader("Ada", READ).cookie
    assert _claims(first)["key"] != _claims(second)["key"]


def test_an_api_key_opens_no_pages_of_operators() -> None:
    _, key = new_api_key("one", Rate(1, 1))
    sessions = Sessions((NEW,), ApiKeys((key,)), (READ,))
    assert not sessions.issue(Role.API_KEY, "Ada", key).may_operate
    assert sessions.issue(Role.OPERATOR, "Ada").may_operate


def test_behind_tls_only_the_secure_cookie_counts() -> None:
    sessions = Sessions((NEW,), NO_KEYS)
    cookie = sessions.issue(Role.OPERATOR, "Ada").cookie
    assert sessions.read(request(cookie, scheme="https")) is None
    assert sessions.read(request(cookie, scheme="https", name="__Host-warmcast"))


def test_a_form_token_belongs_to_one_login() -> None:
    sessions = Sessions((NEW, OLD), NO_KEYS)
    one, other = sessions.issue(Role.OPERATOR, "Ada"), sessions.issue(Role.OPERATOR, "Bob")
    assert sessions.accepts_token(one, sessions.form_token(one))
    assert not sessions.accepts_token(other, sessions.form_token(one))
    assert sessions.accepts_token(one, Sessions((OLD,), NO_KEYS).form_token(one))
    assert not sessions.accepts_token(one, "")
    assert not sessions.accepts_token(one, "\udcff")


def test_without_a_secret_no_login_is_issued_or_read() -> None:
    cookie = Sessions((NEW,), NO_KEYS).issue(Role.OPERATOR, "Ada").cookie
    without = Sessions((), NO_KEYS)
    assert without.read(request(cookie)) is None
    with pytest.raises(WarmcastError, match="WARMUP_SECRET"):
        Sessions((), NO_KEYS, (READ,)).issue_reader("Ada", READ)
    assert not without.accepts_token(Session(Role.OPERATOR, "Ada", cookie), "")
    with pytest.raises(WarmcastError) as refused:
        without.issue(Role.OPERATOR, "Ada")
    assert refused.value.reason is errors.SECRET_NOT_CONFIGURED
