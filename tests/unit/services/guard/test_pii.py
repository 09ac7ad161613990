"""Structured personal data: what is found, what is left alone, and the checksums behind it."""

import string
from itertools import pairwise

import pytest
from headwater_guard.domain import pii
from hypothesis import given
from hypothesis import strategies as st


def kinds(text: str) -> list[tuple[str, str]]:
    return [(finding.kind, text[finding.start : finding.end]) for finding in pii.find(text)]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("write to ada.l+x@mail.example.org.", "email", "ada.l+x@mail.example.org"),
        ("card 4111 1111 1111 1111, thanks", "card", "4111 1111 1111 1111"),
        ("amex 378282246310005", "card", "378282246310005"),
        ("to DE89 3704 0044 0532 0130 00 please", "iban", "DE89 3704 0044 0532 0130 00"),
        ("gb82west12345698765432", "iban", "gb82west12345698765432"),
        ("ssn 078-05-1120", "ssn", "078-05-1120"),
        ("from 203.0.113.77:", "ip_address", "203.0.113.77"),
        ("at 2001:db8:85a3::8a2e:370:7334", "ip_address", "2001:db8:85a3::8a2e:370:7334"),
        ("call +49 30 901820", "phone", "+49 30 901820"),
        ("or (212) 555-0147", "phone", "(212) 555-0147"),
        ("Phone: 467 3395", "phone", "467 3395"),
    ],
)
def test_found(text: str, kind: str, value: str) -> None:
    assert kinds(text) == [(kind, value)]


@pytest.mark.parametrize(
    "text",
    [
        "4111 1111 1111 1112",
        "DE89370400440532013001",
        "order 20050327013919",
        "000-12-3456 and 666-12-3456 and 978-12-1120",
        "Python 3.11.0.1 and 2.6.18.6",
        "127.0.0.1, 0.0.0.0, 255.255.255.0, ::1, 999.1.1.1",
        "a[1::3] and be::x",
        "2024-11-22T15:04:05",
        "1,234,567 of 3.14159265358979",
        "pages 100-200 and 1990-2000",
        "commit 56d9038aa12",
        "@decorator and user@host",
    ],
)
def test_left_alone(text: str) -> None:
    assert kinds(text) == []


@given(st.integers(0, 10**14 - 1))
def test_luhn_accepts_exactly_one_check_digit(number: int) -> None:
    body = f"4{number:014d}"
    assert sum(pii.luhn(f"{body}{digit}") for digit in range(10)) == 1


@given(st.integers(0, 10**14 - 1), st.integers(0, 14), st.integers(1, 9))
def test_luhn_sees_every_single_wrong_digit(number: int, place: int, change: int) -> None:
    body = f"4{number:014d}"
    valid = next(body + str(digit) for digit in range(10) if pii.luhn(body + str(digit)))
    wrong = valid[:place] + str((int(valid[place]) + change) % 10) + valid[place + 1 :]
    assert not pii.luhn(wrong)


def with_check_digits(country: str, account: str) -> str:
    number = int("".join(str(int(c, 36)) for c in f"{account}{country}00"))
    return f"{country}{98 - number % 97:02d}{account}"


@given(st.text(string.ascii_uppercase, min_size=2, max_size=2), st.text(string.digits, min_size=12, max_size=28))
def test_iban_accepts_its_check_digits_and_no_wrong_digit(country: str, account: str) -> None:
    valid = with_check_digits(country, account)
    assert pii.iban(valid)
    assert not pii.iban(valid[:-1] + str((int(valid[-1]) + 1) % 10))


@given(st.text(max_size=200))
def test_findings_stand_in_order_and_apart(text: str) -> None:
    found = pii.find(text)
    assert all(0 <= f.start < f.end <= len(text) for f in found)
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_the_same_number_written_otherwise_is_known() -> None:
    assert pii.values(["+49 30 901820"]) == {pii.canonical("+49-30-901820")}
