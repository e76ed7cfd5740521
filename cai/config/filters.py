"""Filters: which prompts are not answered, and which rows are not written. Each is off where it is null."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from cai.config.base import Config

Share = Annotated[float, Field(gt=0, le=1)]
Similarity = Annotated[float, Field(ge=0.5, le=1)]


class NearDuplicatesConfig(Config):
    """Texts that are nearly the same; only the first of each group stays."""

    threshold: Similarity = 0.9
    """Least Jaccard similarity of their five-character pieces; 1 takes only texts that differ in nothing but case,
    spaces and punctuation."""


class LengthConfig(Config):
    """Texts that are too short or too long."""

    unit: Literal["words", "characters"] = "words"
    """What is counted. Use `characters` for languages without spaces."""
    min: Annotated[int, Field(ge=0)] = 0
    """Fewest."""
    max: Annotated[int, Field(ge=1)] | None = None
    """Most; no limit by default."""

    @model_validator(mode="after")
    def _leaves_room(self) -> "LengthConfig":
        if self.max is not None and self.max < self.min:
            raise ValueError(f"max ({self.max}) is below min ({self.min}), so nothing is left")
        return self


class LanguageConfig(Config):
    """Texts in other languages than these. Needs the extra `filters`."""

    allow: Annotated[tuple[Annotated[str, Field(pattern=r"^[a-z]{2,3}$")], ...], Field(min_length=1)]
    """Languages that stay, by ISO 639-1 code, such as [en, de]."""
    min_confidence: Share = 0.8
    """A text goes only if the detector is so sure that it is in another language."""
    min_bytes: Annotated[int, Field(ge=1)] = 24
    """Shorter texts stay: nobody can tell. In bytes of UTF-8, of which other scripts than Latin have more."""


class DegenerateConfig(Config):
    """Texts that are empty, repeat themselves without end, or are signs more than words."""

    min_letters: Annotated[float, Field(ge=0, lt=1)] = 0.4
    """Least share of letters and digits among all signs that are no spaces, in texts of 20 signs or more."""


class TemplateTextConfig(Config):
    """Texts that hold what only templates say: turns and requests of a transcript, control tokens, separators of
    examples, and whole sentences of the constitution's requests. What the prompt itself says is never a leak."""

    requests: bool = True
    """Look for sentences of critique and revision requests too."""


PersonalData = Literal["email", "phone", "card", "iban", "ip", "ssn"]


class PersonalDataConfig(Config):
    """E-mail addresses, telephone, card, account and social security numbers. Needs the extra `filters`."""

    action: Literal["mask", "drop"] = "mask"
    """`mask` writes the kind in the place of each, such as <EMAIL>; `drop` leaves the prompt or row out."""
    kinds: Annotated[tuple[PersonalData, ...], Field(min_length=1)] = ("email", "phone", "card", "iban", "ip", "ssn")
    """What is looked for. Names and addresses are not: no pattern finds them."""
    region: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] | None = None
    """Country whose telephone numbers are found without +, by ISO 3166 code, such as US."""


class RefusalsConfig(Config):
    """Answers that refuse a benign prompt: they teach to refuse what is harmless."""

    benign_tags: Annotated[tuple[str, ...], Field(min_length=1)] = ("benign", "harmless", "helpful")
    """Tags of which a benign prompt has one. A prompt without a hazard is not taken for benign."""
    partial: bool = False
    """Drop answers too that refuse, and help all the same."""


class PromptFiltersConfig(Config):
    """Prompts that are not answered. All of these are off by default but near-duplicates: what looks like noise in
    a prompt may be the attack that it is meant to be."""

    near_duplicates: NearDuplicatesConfig | None = NearDuplicatesConfig()
    """Nearly the same as another prompt of the run."""
    length: LengthConfig | None = None
    """Too short or too long, by the user's last turn."""
    language: LanguageConfig | None = None
    """In another language, by the user's last turn."""
    degenerate: DegenerateConfig | None = None
    """Repeats itself or has no words, by the user's last turn."""
    template_text: TemplateTextConfig | None = None
    """Holds text of templates, in the user's last turn."""
    personal_data: PersonalDataConfig | None = None
    """Holds personal data in any turn. A masked prompt is another prompt, with another id."""


class RowFiltersConfig(Config):
    """Rows that are not written. They change no record: the next export brings back what a filter left out."""

    flawed: bool = True
    """Leave out answers in which a check found a flaw that no retry mended."""
    length: LengthConfig | None = None
    """An answer is too short or too long."""
    language: LanguageConfig | None = None
    """An answer is in another language."""
    degenerate: DegenerateConfig | None = DegenerateConfig()
    """An answer repeats itself, has no words, or is empty."""
    template_text: TemplateTextConfig | None = TemplateTextConfig()
    """An answer holds text of templates."""
    refusals: RefusalsConfig | None = RefusalsConfig()
    """The answer to be learned refuses a benign prompt."""
    personal_data: PersonalDataConfig | None = None
    """Prompt or answers hold personal data. `mask` changes the row alone."""
    near_duplicates: NearDuplicatesConfig | None = None
    """Nearly the same answers as in a row of another prompt. Off, for many prompts have one right answer."""


class FiltersConfig(Config):
    """What is left out, of prompts before any is answered and of rows when they are written; each by its reason."""

    prompts: PromptFiltersConfig = PromptFiltersConfig()
    rows: RowFiltersConfig = RowFiltersConfig()
