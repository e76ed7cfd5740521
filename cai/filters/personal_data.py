"""Finds personal data by its form and its check digits, and masks it or leaves out where it stands.

Telephone numbers are `phonenumbers`', check digits `python-stdnum`'s. Names, addresses and birthdays have no form.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator
from functools import cached_property

from cai.config.filters import PersonalData, PersonalDataConfig
from cai.errors import ConfigError
from cai.filters.base import Candidate
from cai.filters.extra import needing

Span = tuple[int, int]

_EMAIL = re.compile(r"(?<![\w.+-])[\w][\w.+-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
_CARD = re.compile(r"(?<![\d-])[3-6]\d{3}(?:[ -]?\d){9,15}(?![\d-])")
_SSN = re.compile(r"(?<![\d-])\d{3}-\d{2}-\d{4}(?![\d-])")
_IP = re.compile(r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){2,7})(?![\w.:]*[\w:])")
_SHORTEST_IP_6 = 9


class PersonalDataFilter:
    """Masks or drops, as it is told."""

    def __init__(self, config: PersonalDataConfig) -> None:
        """Load the libraries.

        Raises:
            ConfigError: One of them is not installed, or the region is unknown.
        """
        self._config = config
        self._checks = _Checks(config.region)

    def reason(self, candidate: Candidate) -> str | None:
        """`personal data` and the first kind in a turn of the prompt or an answer; None if it is to be masked."""
        if self._config.action == "mask":
            return None
        answers = tuple(answer.text for answer in candidate.answers)
        for text in (*(message.content for message in candidate.prompt.messages), *answers):
            found = next(iter(self._found(text)), None)
            if found:
                return f"personal data: {found[0]}"
        return None

    def masked(self, text: str) -> str:
        """The text with the kind in the place of what was found, such as <EMAIL>; as it is if that is to be dropped."""
        if self._config.action == "drop":
            return text
        found = sorted(self._found(text), key=lambda item: item[1], reverse=True)
        for kind, (start, end) in found:
            text = f"{text[:start]}<{kind.upper()}>{text[end:]}"
        return text

    def _found(self, text: str) -> list[tuple[PersonalData, Span]]:
        """What is found, without overlaps: of two that overlap, the kind that is surer of itself."""
        found: list[tuple[PersonalData, Span]] = []
        for kind, find in self._checks.finders.items():
            if kind in self._config.kinds:
                spans = [span for span in find(text) if all(_apart(span, other) for _, other in found)]
                found += [(kind, span) for span in spans]
        return found


class _Checks:
    """The finders by kind, the surest first."""

    def __init__(self, region: str | None) -> None:
        with needing("phonenumbers", "the personal data filter"):
            import phonenumbers
        with needing("python-stdnum", "the personal data filter"):
            import stdnum.iban
            import stdnum.luhn
            import stdnum.us.ssn
        if region is not None and region not in phonenumbers.SUPPORTED_REGIONS:
            raise ConfigError(
                f"there is no country {region}",
                where="filters.*.personal_data.region",
                fix="use an ISO 3166 code, such as GB for the United Kingdom",
            )
        self._matcher = phonenumbers.PhoneNumberMatcher
        self._region = region
        self._is_iban: Callable[[str], bool] = stdnum.iban.is_valid
        self._is_luhn: Callable[[str], bool] = stdnum.luhn.is_valid
        self._is_ssn: Callable[[str], bool] = stdnum.us.ssn.is_valid

    @cached_property
    def finders(self) -> dict[PersonalData, Callable[[str], Iterator[Span]]]:
        """One for each kind."""
        return {
            "email": lambda text: (match.span() for match in _EMAIL.finditer(text)),
            "iban": self._ibans,
            "card": lambda text: _valid(_CARD, text, lambda found: self._is_luhn(re.sub(r"\D", "", found))),
            "ssn": lambda text: _valid(_SSN, text, self._is_ssn),
            "ip": lambda text: _valid(_IP, text, _is_public_address),
            "phone": lambda text: ((match.start, match.end) for match in self._matcher(text, self._region)),
        }

    def _ibans(self, text: str) -> Iterator[Span]:
        """Of what looks like an account number, the longest beginning whose check digits are right."""
        for match in _IBAN.finditer(text):
            ends = (end for end in range(match.end(), match.start() + 14, -1) if text[end - 1] != " ")
            end = next((end for end in ends if self._is_iban(text[match.start() : end])), None)
            if end is not None:
                yield match.start(), end


def _valid(pattern: re.Pattern[str], text: str, check: Callable[[str], bool]) -> Iterator[Span]:
    return (match.span() for match in pattern.finditer(text) if check(match[0]))


def _is_public_address(text: str) -> bool:
    """Addresses of a home network or of the machine itself are nobody's, and short ones with colons are code."""
    try:
        return (":" not in text or len(text) >= _SHORTEST_IP_6) and ipaddress.ip_address(text).is_global
    except ValueError:
        return False


def _apart(first: Span, second: Span) -> bool:
    return first[1] <= second[0] or second[1] <= first[0]
