"""Text is decoded to the characters that were written, or refused; never to others."""

from __future__ import annotations

import pytest

from services.common.errors import INVALID_ARGUMENT, UNREADABLE_INPUT, WarmcastError
from services.jobs.ingest.files.decoding import decode
from services.jobs.ingest.files.trends_csv import read_trends_csv

ROWS = "\n2025-01-05,90,5\n2025-01-12,91,6\n2025-01-19,92,7"


def sheet(*terms: str, charset: str) -> bytes:
    return f"Week,{','.join(terms)}{ROWS}".encode(charset)


def terms(content: bytes, charset: str = "") -> tuple[str, ...]:
    return read_trends_csv(content, "export.csv", charset=charset).terms


@pytest.mark.parametrize(
    ("charset", "pair"),
    [
        ("cp1251", ("биткоин", "эфириум")),
        ("windows-1251", ("чай", "кофе")),
        ("koi8-r", ("чай", "кофе")),
        ("cp1252", ("crème", "café")),
        ("iso-8859-1", ("crème", "café")),
        ("iso-8859-2", ("żółw", "łódź")),
        ("cp1250", ("hruška", "čaj")),
        ("shift_jis", ("紅茶", "緑茶")),
        ("euc-kr", ("커피", "녹차")),
        ("gb18030", ("咖啡", "茶")),
        ("gb2312", ("咖啡", "茶")),
        ("big5", ("咖啡", "綠茶")),
        ("cp1253", ("καφές", "τσάι")),
        ("cp1255", ("קפה", "תה")),
        ("cp1256", ("قهوة", "شاي")),
        ("tis-620", ("กาแฟ", "ชา")),
        ("iso-2022-jp", ("紅茶", "緑茶")),
        ("utf-8", ("té", "café")),
        ("utf-16", ("té", "café")),
        ("utf-16-le", ("té", "café")),
    ],
)
def test_the_declared_charset_is_used(charset: str, pair: tuple[str, str]) -> None:
    assert terms(sheet(*pair, charset=charset), charset) == pair


def test_a_declared_charset_is_decoded_with_its_superset() -> None:
    assert terms(sheet("€uro", "dollar", charset="cp1252"), "iso-8859-1") == ("€uro", "dollar")
    assert terms(sheet("①番", "二番", charset="cp932"), "shift_jis") == ("1番", "二番")


@pytest.mark.parametrize(
    ("label", "charset"), [("windows-31j", "cp932"), ("x-sjis", "cp932"), ("X-GBK", "gbk"), ("x-euc-jp", "euc-jp")]
)
def test_charset_labels_of_browsers_are_accepted(label: str, charset: str) -> None:
    assert terms(sheet("紅茶", "緑茶", charset=charset), label) == ("紅茶", "緑茶")


def test_text_with_escape_sequences_is_not_read_as_utf_8() -> None:
    with pytest.raises(WarmcastError, match="its charset is uncertain; send it in UTF-8, or declare"):
        terms(sheet("紅茶", "緑茶", charset="iso-2022-jp"))


@pytest.mark.parametrize("head", [b"PK\x03\x04", b"\x1f\x8b\x08\x00", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"])
def test_spreadsheets_and_archives_are_refused_as_such(head: bytes) -> None:
    with pytest.raises(WarmcastError, match="is a spreadsheet or an archive, not a CSV file; export it as CSV"):
        terms(head + bytes(100))


@pytest.mark.parametrize("charset", ["utf-9", "base64", "unicode_escape", "idna", "utf-7", "undefined", "\0", "ä"])
def test_an_unknown_charset_is_refused(charset: str) -> None:
    with pytest.raises(WarmcastError, match="unknown charset") as refusal:
        terms(sheet("tea", "coffee", charset="utf-8"), charset)
    assert (refusal.value.reason, refusal.value.fields[0][0]) == (INVALID_ARGUMENT, "charset")


@pytest.mark.parametrize(
    ("written", "declared"),
    [("cp1251", "utf-8"), ("cp1251", "us-ascii"), ("cp1251", "euc-kr"), ("utf-8", "utf-16"), ("cp1251", "utf-16")],
)
def test_a_declared_charset_that_does_not_decode_the_file_is_refused(written: str, declared: str) -> None:
    with pytest.raises(WarmcastError, match=r"not in the declared charset|not a text file|has no dates"):
        terms(sheet("биткоин", "эфириум", charset=written), declared)


def test_utf_8_with_another_declared_charset_is_refused() -> None:
    with pytest.raises(WarmcastError, match="is in UTF-8, but “iso-8859-1” was declared; declare charset=utf-8"):
        terms(sheet("café", "thé", charset="utf-8"), "iso-8859-1")
    # A byte order mark takes precedence.
    assert terms(sheet("café", "thé", charset="utf-8-sig"), "iso-8859-1") == ("café", "thé")
    assert terms(sheet("café", "thé", charset="utf-16"), "cp1252") == ("café", "thé")
    assert terms(sheet("tea", "coffee", charset="utf-8"), "cp1251") == ("tea", "coffee")


@pytest.mark.parametrize(
    ("charset", "pair"),
    [
        ("cp1251", ("купить квартиру", "снять квартиру")),
        ("cp1251", ("Навальный", "Путин")),
        ("koi8-r", ("купить квартиру", "снять квартиру")),
        ("cp1252", ("thé", "café")),
        ("cp1252", ("Müller", "Schäfer")),
        ("cp1252", ("año: (España)", "navidad: (España)")),
        ("cp1250", ("hruška: (Česko)", "čaj: (Česko)")),
        ("cp932", ("ラーメン", "うどん")),
        ("cp949", ("삼성전자", "애플")),
        ("gb18030", ("苹果手机", "华为手机")),
        ("big5", ("比特幣", "以太坊")),
        ("cp1253", ("καιρός", "ειδήσεις")),
        ("cp1255", ("חדשות", "מזג אוויר")),
        ("cp1256", ("القاهرة", "الرياض")),
        ("cp874", ("กรุงเทพ", "เชียงใหม่")),
    ],
)
def test_an_undeclared_charset_is_detected_if_it_is_certain(charset: str, pair: tuple[str, str]) -> None:
    text, cleaned = decode(sheet(*pair, charset=charset), "export.csv")
    assert text == f"Week,{','.join(pair)}{ROWS}"
    assert [what.startswith("text not in UTF-8 read as ") for what in cleaned] == [True]


@pytest.mark.parametrize(
    ("charset", "pair"),
    [
        ("cp1251", ("чай", "кофе")),  # also plausible as Greek
        ("cp1251", ("яо", "test")),
        ("cp1252", ("año nuevo", "navidad")),  # also plausible as Polish
        ("cp1252", ("garçon", "fille")),
        ("cp1250", ("šunka", "sýr")),
        ("cp1254", ("ağaç", "çiçek")),
        ("cp1257", ("žalgiris", "rytas")),
        ("gb18030", ("咖啡", "茶")),
        ("euc-jp", ("紅茶", "緑茶")),
    ],
)
def test_text_of_an_uncertain_charset_is_refused_with_a_remedy(charset: str, pair: tuple[str, str]) -> None:
    with pytest.raises(WarmcastError, match=r"its charset is uncertain; send it in UTF-8, or declare") as refusal:
        terms(sheet(*pair, charset=charset))
    assert refusal.value.reason is UNREADABLE_INPUT


def test_text_that_is_not_stored_may_be_in_an_uncertain_charset() -> None:
    above = "Categoría: Todas las categorías\n\n".encode("cp1252")
    for pair in (("tea", "coffee"), ("té", "café")):
        table = read_trends_csv(above + sheet(*pair, charset="cp1252"), "export.csv")
        assert table.terms == pair
    noted = "Week,tea,coffee,note\n2025-01-05,90,5,año\n2025-01-12,91,6,\n2025-01-19,92,7,".encode("cp1252")
    table = read_trends_csv(noted, "export.csv", pick=("tea", "coffee"))
    assert dict(table.cleaned) == {"text of uncertain charset outside the terms ignored": 1}


def test_a_place_above_the_header_in_an_uncertain_charset_is_refused() -> None:
    report = "Brésil ça; 2004 - présent\n\n".encode("cp1252") + sheet("tea", "coffee", charset="ascii")
    with pytest.raises(WarmcastError, match="its charset is uncertain"):
        terms(report)


def test_damaged_utf_8_is_refused() -> None:
    content = sheet("比特幣價格", "以太坊價格", charset="utf-8")
    with pytest.raises(WarmcastError, match="is in UTF-8 but damaged: 1 of its characters"):
        terms(content.replace("特".encode(), "特".encode()[:2]))


@pytest.mark.parametrize(
    "content",
    [b"Week,\xe8\xe8,b\n" + b"2025-01-05,1,\xe9\n" * 100_000, b"\xe9," * 1_000_000, bytes(range(128, 256)) * 16_000],
)
def test_detection_takes_bounded_time(content: bytes) -> None:
    with pytest.raises(WarmcastError):
        terms(content)
