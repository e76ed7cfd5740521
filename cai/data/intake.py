"""What becomes of each prompt before anything is generated: masked, filtered, and in which split.

All of it is a pure function of the prompts of the run and of the settings, whatever their order, so that a resumed run
decides alike; when the source has grown or a setting has changed, it decides anew.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Self

from cai.config.stages import GenerateConfig
from cai.data.groups import PromptGroups
from cai.data.splits import split_of_group
from cai.filters.base import Candidate
from cai.filters.build import build_filters
from cai.records import Prompt, Split


class Intake:
    """The decisions about the prompts of one run. Close it when done."""

    def __init__(self, config: GenerateConfig) -> None:
        """Build the filters, those of rows too: what is wrong with them is said before anything is generated.

        Raises:
            ConfigError: A filter's library is not installed, or a setting names what the library does not know.
        """
        build_filters(config.filters.rows)
        near = config.filters.prompts.near_duplicates
        self._config = config
        self._filters = build_filters(config.filters.prompts)
        self._groups = PromptGroups(config.split.near_duplicates, near.threshold if near else None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._groups.close()

    def survey(self, prompts: Iterable[Prompt]) -> None:
        """Read all prompts of the run, as `prompts` gives them, and compare them; call it once, before the rest."""
        kept = (prompt for prompt in prompts if self._filters.reason(Candidate(prompt)) is None)
        self._groups.survey(kept)

    def prompts(self, read: Iterable[Prompt]) -> Iterator[Prompt]:
        """The prompts as they are answered: without personal data, if that is to be masked, which changes their ids."""
        return map(self._masked, read)

    def reason(self, prompt: Prompt) -> str | None:
        """Why a prompt is not to be answered; None if it is."""
        reason = self._filters.reason(Candidate(prompt))
        return reason or ("near-duplicate" if self._groups.place(prompt.id).like else None)

    def split(self, prompt: Prompt) -> Split:
        """The split of a prompt."""
        return split_of_group(
            self._groups.place(prompt.id), self._groups.prompts, self._config.split, self._config.seed
        )

    def _masked(self, prompt: Prompt) -> Prompt:
        messages = tuple(replace(turn, content=self._filters.masked(turn.content)) for turn in prompt.messages)
        if messages == prompt.messages:
            return prompt
        return Prompt.of(messages, prompt.source, prompt.hazard, prompt.tags)
