"""Which prompts of a run are near-duplicates of which: a pure function of the prompts, whatever their order.

Every prompt is compared with those of smaller id, so the order of the file does not count. Texts, bands and results
lie in temporary files; memory grows by some 25 bytes a prompt.
"""

from array import array
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Self

from cai.near.duplicates import Near, NearDuplicates
from cai.near.scratch import Scratch
from cai.records import Prompt

_TABLES = (
    "CREATE TABLE prompt (id TEXT PRIMARY KEY, text BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE place (id TEXT PRIMARY KEY, leader TEXT, size INTEGER, like TEXT) WITHOUT ROWID",
)


class Place(NamedTuple):
    """A prompt among the others."""

    leader: str
    """The smallest id of the group: all prompts that are linked by near-duplicates."""
    size: int
    """Prompts in the group."""
    like: str | None
    """A kept prompt that it is nearly the same as; None if it is kept itself."""


class PromptGroups:
    """The groups of a collection of prompts. Close it when done."""

    def __init__(self, linked: float | None, same: float | None) -> None:
        """Make an empty collection.

        Args:
            linked: Least similarity of prompts in one group; None for a group of its own for each.
            same: Least similarity at which the prompt of larger id is not kept; None to keep all.
        """
        self._linked = linked
        self._same = same
        self.prompts = 0
        """How many there are, each counted once."""
        self._scratch = Scratch(*_TABLES)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Forget everything; safe to call twice."""
        self._scratch.close()

    def survey(self, prompts: Iterable[Prompt]) -> None:
        """Read all prompts and find the groups; call it once."""
        thresholds = [threshold for threshold in (self._linked, self._same) if threshold is not None]
        if not thresholds:
            return
        insert = "INSERT OR IGNORE INTO prompt (id, text) VALUES (?, ?)"
        for prompt in prompts:
            self._scratch.put(insert, prompt.id, _text(prompt).encode("utf-8", "surrogatepass"))
        with NearDuplicates(min(thresholds)) as texts:
            self._write(texts, self._linked_prompts(texts))
        self._scratch.put("DROP TABLE prompt")

    def place(self, prompt_id: str) -> Place:
        """Where a prompt stands; one that was not read stands alone."""
        row = self._scratch.row("SELECT leader, size, like FROM place WHERE id = ?", prompt_id)
        return Place(*row) if row else Place(prompt_id, 1, None)

    def _linked_prompts(self, texts: NearDuplicates) -> "_Links":
        """Compare all prompts, the smallest id first."""
        links = _Links()
        for prompt_id, text in self._scratch.rows("SELECT id, text FROM prompt ORDER BY id"):
            _, near = texts.add(prompt_id, text.decode("utf-8", "surrogatepass"))
            links.add(_above(near, self._linked), _above(near, self._same))
        self.prompts = len(links)
        return links

    def _write(self, texts: NearDuplicates, links: "_Links") -> None:
        """Keep the places of those that do not stand alone."""
        sizes = array("q", [0]) * (len(links) + 1)
        for number in range(1, len(links) + 1):
            sizes[links.leader(number)] += 1
        for number in range(1, len(links) + 1):
            leader, like = links.leader(number), links.like(number)
            if sizes[leader] > 1 or like:
                row = (texts.key(number), texts.key(leader), sizes[leader], texts.key(like) if like else None)
                self._scratch.put("INSERT INTO place VALUES (?, ?, ?, ?)", *row)


class _Links:
    """Prompts by number, from 1, joined as they come: who leads each group, and whom each is nearly the same as."""

    def __init__(self) -> None:
        self._parents = array("q", [0])
        self._like = array("q", [0])

    def __len__(self) -> int:
        return len(self._parents) - 1

    def add(self, linked: Sequence[int], same: Sequence[int]) -> None:
        """Add the next prompt; it is linked to earlier ones, and nearly the same as some of them."""
        number = len(self._parents)
        self._parents.append(number)
        # Only kept prompts count: one that is dropped must take no other with it.
        self._like.append(next((other for other in same if not self._like[other]), 0))
        for other in linked:
            first, second = self.leader(number), self.leader(other)
            self._parents[max(first, second)] = min(first, second)

    def leader(self, number: int) -> int:
        """The smallest number of a group."""
        parents = self._parents
        while parents[number] != number:
            parents[number] = parents[parents[number]]
            number = parents[number]
        return number

    def like(self, number: int) -> int:
        """The kept prompt that this one is nearly the same as; 0 if it is kept itself."""
        return self._like[number]


def _above(near: Iterable[Near], threshold: float | None) -> list[int]:
    return [each.number for each in near if threshold is not None and each.similarity >= threshold]


def _text(prompt: Prompt) -> str:
    """The turns of a prompt. System messages do not count: often all prompts have the same."""
    return "\n".join(message.content for message in prompt.messages if message.role != "system")
