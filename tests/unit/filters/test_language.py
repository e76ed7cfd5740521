import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import cai
from cai.config.filters import LanguageConfig
from cai.errors import ConfigError
from cai.filters import language
from cai.filters.base import Candidate
from cai.filters.language import LanguageFilter

PROMPTS = Path(cai.__file__).parent / "sandbox" / "prompts.jsonl"
SANDBOX = [json.loads(line)["prompt"] for line in PROMPTS.read_text(encoding="utf-8").splitlines()]
GERMAN = "Wie backe ich zu Hause ein gutes Brot ohne Maschine?"


@pytest.fixture(scope="module")
def english() -> LanguageFilter:
    return LanguageFilter(LanguageConfig(allow=("en",)))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("How do I bake a good loaf of bread at home?", None),
        (GERMAN, "language de"),
        ("Comment faire du pain \u00e0 la maison sans machine ?", "language fr"),
        ("hi", None),
        ("Question 12", None),
        ("SELECT name FROM users WHERE id = 3;", None),
        ("def f(x): return [y ** 2 for y in x]", None),
        ("OK OK OK OK OK OK OK OK OK OK", None),
        ("\ud800" * 30, None),
    ],
)
def test_only_what_is_surely_in_another_language_goes(
    english: LanguageFilter, asked: Callable[..., Candidate], text: str, reason: str | None
) -> None:
    assert english.reason(asked(text)) == reason
    assert english.reason(asked("x", "A short answer in English.", text)) == reason


def test_allowed_languages_stay(asked: Callable[..., Candidate]) -> None:
    assert LanguageFilter(LanguageConfig(allow=("en", "de"))).reason(asked(GERMAN)) is None


def test_no_prompt_of_the_sandbox_is_taken_for_another_language(
    english: LanguageFilter, asked: Callable[..., Candidate]
) -> None:
    assert [row for row in SANDBOX if english.reason(asked(row))] == []


def test_an_unknown_language_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(ConfigError) as caught:
        LanguageFilter(LanguageConfig(allow=("en", "xq")))
    assert "'xq'" in caught.value.what
    assert caught.value.fix and " de," in caught.value.fix


def test_a_missing_library_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    language._detector.cache_clear()
    with pytest.raises(ConfigError) as caught:
        LanguageFilter(LanguageConfig(allow=("en",)))
    assert caught.value.fix and "constitutional-ai[filters]" in caught.value.fix
