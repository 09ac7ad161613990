"""Structured personal data, by pattern and, where the format has one, by checksum.

Names and addresses are not claimed: they need a trained recogniser.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from headwater_kit.core.events import Finding

from headwater_guard.domain.findings import Policy


@dataclass(frozen=True, slots=True)
class Recogniser:
    """What a kind looks like, and the test that a match must pass; group `value`, if there is one, is the datum."""

    kind: str
    pattern: re.Pattern[str]
    valid: Callable[[str], bool]


def luhn(digits: str) -> bool:
    """The check digit of payment cards (ISO/IEC 7812-1, annex B)."""
    doubled = (int(d) if i % 2 == 0 else int(d) * 2 - 9 * (d > "4") for i, d in enumerate(reversed(digits)))
    return sum(doubled) % 10 == 0


def card(text: str) -> bool:
    """A card number: an issuer's prefix with its length, and the check digit; one time stamp in ten has that too."""
    digits = re.sub(r"\D", "", text)
    return _ISSUER.fullmatch(digits) is not None and luhn(digits)


def iban(text: str) -> bool:
    """The check digits of account numbers (ISO 13616: mod 97 of the rearranged number is 1)."""
    compact = re.sub(r"[ -]", "", text).upper()
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1


def ssn(text: str) -> bool:
    """A number that the US Social Security Administration may have issued: no 000, 666 or 9xx area, no zero part."""
    area, group, serial = re.split(r"[- ]", text)
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def address(text: str) -> bool:
    """An IP address of one host: not loopback, a netmask or the like, which identify nobody.

    Four small numbers are a version (3.11.0.1) far oftener than an address, and
    a few hex digits beside colons are code.
    """
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return False
    if parsed.is_unspecified or parsed.is_loopback or parsed.is_multicast or text.startswith("255."):
        return False
    if parsed.version == 4:
        return max(parsed.packed) >= 64
    return len([group for group in text.split(":") if group]) >= 3


def phone(text: str) -> bool:
    """8 to 15 digits (ITU-T E.164), or 7 where they are cut in two as in North America."""
    digits = sum(c.isdigit() for c in text.split("x", maxsplit=1)[0])
    return 8 <= digits <= 15 or re.fullmatch(r"\d{3}-\d{4}", text) is not None


def _spoken(text: str) -> bool:
    return 7 <= sum(c.isdigit() for c in text) <= 15


def _always(_: str) -> bool:
    return True


# Issuer prefixes and their lengths (ISO/IEC 7812 as the schemes publish them): Visa, Mastercard, American Express,
# Diners Club, JCB, Discover, Maestro and UnionPay.
_ISSUER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[68]\d|9\d)\d{11}|35\d{14}|(?:2131|1800)\d{11}"
    r"|(?:50|5[6-9]|6\d)\d{10,17}"
)

# In order: where two claim the same characters, the first has them.
RECOGNISERS = (
    Recogniser(
        "email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])"), _always
    ),
    Recogniser("iban", re.compile(r"\b[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]{4}){2,7}(?:[ -]?[A-Za-z0-9]{1,3})?\b"), iban),
    Recogniser("card", re.compile(r"(?<![\w.-])\d(?:[ -]?\d){11,18}(?![\w-]|\.\d)"), card),
    Recogniser("ssn", re.compile(r"(?<![\w-])\d{3}([- ])\d{2}\1\d{4}(?![\w-])"), ssn),
    Recogniser("ip_address", re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w]|\.\d)"), address),
    Recogniser("ip_address", re.compile(r"(?<![\w:])[0-9A-Fa-f:]{3,39}(?:%\w+)?(?![\w:])"), address),
    Recogniser(
        "phone",
        re.compile(
            r"(?<![\w.+/-])(?:"
            r"(?:\+|00)[1-9]\d{0,2}[ .-]?(?:\(0?\d{0,4}\)[ .-]?)?\d{1,5}(?:[ .-]?\d{2,5}){1,5}"  # international
            r"|\(\d{2,5}\)[ .-]?\d{2,5}(?:[ .-]?\d{2,5}){1,3}"  # area in brackets
            r"|\d{3}[.-]\d{3}[.-]\d{4}|\d{3}-\d{4}"  # North America
            r"|0[1-9]\d{0,3}(?:[ .-]\d{2,5}){1,4}|0[1-9]\d{8,9}"  # national with trunk prefix
            r")(?:x\d{1,5})?(?![\w/-]|\.\d)"
        ),
        phone,
    ),
    # Any grouping of digits is a phone number where a word says so before or after it.
    Recogniser(
        "phone",
        re.compile(
            r"(?i)\b(?:phone|telephone|tel|mobile|cell|fax|desk|call|dial|text|sms|whatsapp)\b[^\d\n]{0,12}\n?[^\d\n]{0,3}"
            r"(?P<value>(?<![\w.+-])\(?\d{2,4}\)?(?:[ .-]?\d{2,5}){1,4})(?![\w/]|[.,-]\d)"
        ),
        _spoken,
    ),
    Recogniser(
        "phone",
        re.compile(
            r"(?i)(?<![\w.+-])(?P<value>\(?\d{2,4}\)?(?:[ .-]?\d{2,5}){1,4})[ -]{1,2}"
            r"(?:phone|tel|mobile|cell|fax|office)\b"
        ),
        _spoken,
    ),
)


def find(text: str) -> list[Finding]:
    """Where personal data stand, in order, without overlaps."""
    taken: list[Finding] = []
    for recogniser in RECOGNISERS:
        for start, end in _matches(recogniser, text):
            if all(end <= other.start or other.end <= start for other in taken):
                taken.append(Finding(Policy.PII, recogniser.kind, start, end))
    return sorted(taken, key=lambda f: f.start)


def values(texts: Iterable[str]) -> frozenset[str]:
    """The personal data of these texts in canonical form, so that the same number written otherwise is known."""
    return frozenset(canonical(text[f.start : f.end]) for text in texts for f in find(text))


def canonical(value: str) -> str:
    """A value without what separates its parts, in lower case."""
    return re.sub(r"[\s().-]", "", value).lower()


def _matches(recogniser: Recogniser, text: str) -> Iterator[tuple[int, int]]:
    for match in recogniser.pattern.finditer(text):
        group = "value" if "value" in match.groupdict() else 0
        if recogniser.valid(match[group]):
            yield match.span(group)
