import sys
from collections.abc import Callable

import pytest

from cai.config.filters import PersonalDataConfig
from cai.errors import ConfigError
from cai.filters.base import Candidate
from cai.filters.personal_data import PersonalDataFilter


@pytest.fixture(scope="module")
def masking() -> PersonalDataFilter:
    return PersonalDataFilter(PersonalDataConfig(region="US"))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Write to anna.b+c@mail.example.org.", "Write to <EMAIL>."),
        ("Call +44 20 7946 0958 or (212) 555-2368 now", "Call <PHONE> or <PHONE> now"),
        ("Card 4111 1111 1111 1111, thanks", "Card <CARD>, thanks"),
        ("Pay to GB82 WEST 1234 5698 7654 32 today", "Pay to <IBAN> today"),
        ("DE89370400440532013000", "<IBAN>"),
        ("SSN 536-90-4399", "SSN <SSN>"),
        ("from 93.184.216.34 and 2606:2800:220:1:248:1893:25c8:1946", "from <IP> and <IP>"),
        ("a@b.example c@d.example", "<EMAIL> <EMAIL>"),
    ],
)
def test_each_kind_is_masked_where_it_stands(masking: PersonalDataFilter, text: str, masked: str) -> None:
    assert masking.masked(text) == masked
    assert masking.masked(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "In 2024 there were 1,234,567 of them, 12.5% more.",
        "Version 1.2.3 and 10.0.0.1 and 127.0.0.1 and ::1",
        "Card 4111 1111 1111 1112",
        "f(x) = 3.14159265358979 and 0.1.2.3.4.5",
        "GB00 WEST 1234 5698 7654 32",
        "000-12-3456",
        "Meet @anna at 10:30:45 on 2024-05-06; std::vector a::b",
        "<|im_start|> 1 2 3 4 5 6 7 8 9 10 11 12",
    ],
)
def test_numbers_of_other_kinds_stay(masking: PersonalDataFilter, text: str) -> None:
    assert masking.masked(text) == text


def test_kinds_can_be_chosen() -> None:
    only = PersonalDataFilter(PersonalDataConfig(kinds=("phone",)))
    assert only.masked("a@b.example or +44 20 7946 0958") == "a@b.example or <PHONE>"


def test_dropping_names_the_kind_and_masks_nothing(asked: Callable[..., Candidate]) -> None:
    dropping = PersonalDataFilter(PersonalDataConfig(action="drop"))
    assert dropping.reason(asked("x", "Fine.", "a@b.example")) == "personal data: email"
    assert dropping.reason(asked("I am a@b.example", "Fine.")) == "personal data: email"
    assert dropping.reason(asked("x", "Fine.")) is None
    assert dropping.masked("a@b.example") == "a@b.example"


def test_masking_leaves_nothing_out(masking: PersonalDataFilter, asked: Callable[..., Candidate]) -> None:
    assert masking.reason(asked("x", "a@b.example")) is None


def test_a_missing_library_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "phonenumbers", None)
    with pytest.raises(ConfigError) as caught:
        PersonalDataFilter(PersonalDataConfig())
    assert "phonenumbers" in caught.value.what


def test_an_unknown_country_is_an_error() -> None:
    with pytest.raises(ConfigError, match="there is no country UK"):
        PersonalDataFilter(PersonalDataConfig(region="UK"))


def test_the_work_grows_with_the_length_only(masking: PersonalDataFilter) -> None:
    for unit in ("a.", "1", "GB82 ", "4111 ", "::", "a@", "(212) ", "a:", "1."):
        masking.masked(unit * 10000)
