"""Finds many phrases in a line of words at once, in time that grows with the number of words alone.

A phrase is plain words. `a/b` is one word or the other, `[a]` may be left out, `{name}` is any entry of the word list
of that name, `...` is a gap of up to `MAX_GAP` words that crosses no stop word, `^` is the beginning of the line, and
`$` is its end. All phrases become one graph, and each word of the text moves on every place in it that is still alive:
nothing is read twice, so no text can make it slow. It knows no meaning of the words.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

MAX_GAP = 7
START, END = "^", "$"
_GAP = "..."


class PhraseError(ValueError):
    """A phrase cannot be read."""


class Hit(NamedTuple):
    """A phrase of the kind `kind` was found: its words are those from `start` to before `end`, where 0 is `^`."""

    kind: str
    start: int
    end: int


@dataclass(slots=True, eq=False)
class _Node:
    """A place between two words of phrases. `gap`: words that may be passed over here; `kinds`: phrases that end."""

    after: dict[str, list["_Node"]] = field(default_factory=dict)
    gap: int = 0
    kinds: list[str] = field(default_factory=list)


_Alive = dict[tuple[int, int], tuple[_Node, int, int]]
"""Places that wait for the next word: each with the phrase's first word, and how many words may still be passed."""


class Phrasebook:
    """Phrases by kind, ready to be looked for."""

    def __init__(
        self,
        phrases: Iterable[tuple[str, Iterable[str]]],
        lists: Mapping[str, Sequence[str]],
        stops: Collection[str] = (),
    ) -> None:
        """Read the phrases, given as pairs of a kind and its phrases.

        Raises:
            PhraseError: A phrase names a list that is not there, begins or ends with a gap, or is empty.
        """
        self.steps = 0
        """Places that were looked at so far: the work done."""
        self._stops = frozenset(stops)
        self._lists = lists
        self._root = _Node()
        for kind, texts in phrases:
            for text in texts:
                self._add(kind, text)

    def find(self, words: Sequence[str]) -> list[Hit]:
        """All phrases in a line of words; those that end first come first."""
        hits: list[Hit] = []
        alive: _Alive = {}
        for index, word in enumerate((START, *words, END)):
            _keep(alive, self._root, index, 0)
            self.steps += len(alive)
            waiting: _Alive = {}
            for node, start, left in alive.values():
                for reached in node.after.get(word, ()):
                    hits += [Hit(kind, start, index + 1) for kind in reached.kinds]
                    _keep(waiting, reached, start, reached.gap)
                if left and word not in self._stops:
                    _keep(waiting, node, start, left - 1)
            alive = waiting
        return hits

    def _add(self, kind: str, text: str) -> None:
        parts = text.split()
        if not parts or _GAP in (parts[0], parts[-1]):
            raise PhraseError(f"the phrase {text!r} is empty, or begins or ends with a gap")
        reached = self._extend([self._root], parts, text)
        if self._root in reached:
            raise PhraseError(f"the phrase {text!r} can be left out as a whole")
        for node in reached:
            node.kinds.append(kind)

    def _extend(self, places: list[_Node], parts: Sequence[str], text: str, join: _Node | None = None) -> list[_Node]:
        """Add parts of a phrase behind each of the places; gives the places after the last part, `join` among them."""
        for number, part in enumerate(parts, start=1):
            if part == _GAP:
                for place in places:
                    place.gap = MAX_GAP
                continue
            end = join if join is not None and number == len(parts) else _Node()
            if part[0] + part[-1] == "[]":
                places = _each_once([*self._extend(places, [part[1:-1]], text, end), *places])
            elif part[0] + part[-1] == "{}":
                entries = self._entries(part[1:-1], text)
                places = _each_once(place for entry in entries for place in self._extend(places, entry, text, end))
            else:
                for place in places:
                    for word in part.split("/"):
                        place.after.setdefault(word, []).append(end)
                places = [end]
        return places

    def _entries(self, name: str, text: str) -> Iterator[list[str]]:
        if name not in self._lists:
            raise PhraseError(f"the phrase {text!r} names the list {name!r}, which is not there")
        return (entry.split() for entry in self._lists[name])


def _each_once(places: Iterable[_Node]) -> list[_Node]:
    return list({id(place): place for place in places}.values())


def _keep(alive: _Alive, node: _Node, start: int, left: int) -> None:
    """Note a place. Of two alike, the one that may still pass more words stands for both."""
    key = (id(node), start)
    if key not in alive or alive[key][2] < left:
        alive[key] = (node, start, left)
