"""Two answers of a run that an AI compared, and what feedback needs to know of a run. Nothing here reads one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from cai.feedback.content import Content, content_of
from cai.records import Comparison, Label, Prompt, Split
from cai.store.run_dir import RunDir


@dataclass(frozen=True)
class Compared:
    """Two answers that an AI compared; `severity` is the worst verdict of the record's critics, if they gave any."""

    prompt: Prompt
    split: Split
    response_a: str
    response_b: str
    source: str
    label: Label
    severity: int | None = None

    @property
    def id(self) -> str:
        """The id of the comparison in the order of the run."""
        return self.label.comparison_id

    @cached_property
    def swapped_id(self) -> str:
        """The id of the same answers the other way round; a file for review shows half of the pairs so."""
        return Comparison(self.prompt, self.response_b, self.response_a, "imported").id

    @cached_property
    def content(self) -> Content:
        """What is compared."""
        return content_of(self.prompt.messages, self.response_a, self.response_b)


class View(Protocol):
    """A run as feedback sees it: read-only, also while the run works."""

    @property
    def place(self) -> RunDir:
        """Its folder, in which feedback has a folder of its own."""

    def comparisons(self) -> Iterator[Compared]:
        """Every comparison that has an AI label which stands, in an order that does not change.

        Raises:
            StorageError: The run cannot be read (as in every method here).
        """

    def preferences(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The run's own preference rows, each with `train` or `eval`: those that its filters left."""

    def splits(self, own: Iterable[Prompt]) -> dict[str, Split]:
        """The split of each prompt, by its id: the one that the run gave it, or would have given it.

        A prompt that is nearly one of the run's goes where that one is, so that nobody trains on what is held out.
        """

    def close(self) -> None:
        """Release its files; safe to call twice."""
