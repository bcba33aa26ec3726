"""API keys: creation, configuration, lookup, secrecy."""

from __future__ import annotations

import hashlib

import pytest
from typer.testing import CliRunner

from services.cli.__main__ import app
from services.common.settings import load
from services.gateway.auth.api_keys import ApiKeys, new_api_key, parse_api_keys
from services.gateway.auth.rate_limits import Rate
from services.gateway.settings import GatewaySettings

HASH = "ab" * 32


def test_a_new_key_is_random_and_stored_as_a_hash() -> None:
    (key, kept), (other, _) = new_api_key("partner", Rate(5, 1)), new_api_key("partner", Rate(5, 1))
    assert key != other
    assert len(key) > 43, "32 random bytes in base64"
    assert key not in kept.entry()
    assert kept.digest == hashlib.sha256(key.encode()).digest()
    keys = parse_api_keys(f"someone:{HASH}:1,{kept.entry()}")
    assert keys.find(key) == kept
    for wrong in (other, "", key[:-1], key + " ", key.upper(), kept.entry(), kept.digest.hex(), "x" * 10_000, "ÿ"):
        assert keys.find(wrong) is None


def test_no_key_matches_where_none_is_configured() -> None:
    assert not parse_api_keys(" , ")
    assert ApiKeys(()).find("anything") is None


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (HASH, "entry 1 has no valid name; expected name:hash:rate"),
        (f"a:{HASH}:1,:{HASH}:1", "entry 2 has no valid name"),
        ("a b:x:1", "entry 1 has no valid name"),
        ("a:wk_the-key-itself:1", "entry 1 (“a”) has no SHA-256 in 64 lower-case hex digits"),
        (f"a:{HASH.upper()}:1", "entry 1 (“a”) has no SHA-256"),
        (f"a:{HASH}", "entry 1 (“a”): a rate is a number of requests a second"),
        (f"a:{HASH}:fast", "entry 1 (“a”): a rate is"),
        (f"a:{HASH}:1,a:{'cd' * 32}:1", "entry 2 (“a”) has the name of an earlier entry"),
        (f"a:{HASH}:1,b:{HASH}:1", "entry 2 (“b”) has the hash of an earlier entry"),
        (",".join(f"n{n}:{n:064x}:1" for n in range(101)), "holds 101 keys; at most 100 are allowed"),
        (" , ", "has no valid entry"),
    ],
)
def test_an_invalid_key_entry_is_refused_with_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str, wrong: str
) -> None:
    monkeypatch.setenv("API_KEYS", text)
    with pytest.raises(SystemExit) as ended:
        load(GatewaySettings)
    said = capsys.readouterr().err
    assert ended.value.code == 2
    assert said.startswith(f"configuration: API_KEYS: {wrong}")
    assert HASH not in said
    assert "the-key-itself" not in said


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("ANONYMOUS_RATE", "fast", "a rate is a number"),
        ("FORWARDED_ALLOW_IPS", "10.0.0.0/8,proxy", "“proxy” is not an address or a network"),
        ("CORS_ORIGINS", "https://a.example/", "“https://a.example/” is not an origin"),
    ],
)
def test_other_invalid_settings_are_refused_with_a_message(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, wrong: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit):
        load(GatewaySettings)
    assert capsys.readouterr().err.startswith(f"configuration: {name}: {wrong}")


def test_the_command_prints_a_key_and_its_configuration_entry() -> None:
    done = CliRunner().invoke(app, ["api-key", "partner", "--rate", "600/60"])
    assert done.exit_code == 0, done.output
    key, entry = done.stdout.split()
    found = parse_api_keys(entry).find(key)
    assert found is not None
    assert (found.name, found.rate) == ("partner", Rate(600, 60))


@pytest.mark.parametrize("arguments", [["a b"], ["partner", "--rate", "fast"], [""]])
def test_the_command_refuses_an_invalid_name_or_rate(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, ["api-key", *arguments]).exit_code == 2


def test_settings_never_show_keys() -> None:
    settings = GatewaySettings(api_keys=f"a:{HASH}:1")
    assert HASH not in repr(settings)
