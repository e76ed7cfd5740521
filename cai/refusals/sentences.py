"""Cuts an answer into sentences, and sentences into plain words: small letters, no contractions, straight apostrophes.

It knows no pattern. What stands in quotation marks or in a block of code is somebody else's words: each of them
becomes the word `OTHER`, so that it counts, and says nothing.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

OTHER = "\u25a1"
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u201b\u02bc\u00b4`\uff07", "'"))
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
_QUOTED = re.compile('"[^"\n]*"|[\u201c\u201e][^\u201c-\u201e\n]*[\u201c\u201d]|\u00ab[^\u00ab\u00bb\n]*\u00bb')
_CUT = re.compile(r"(?<=[.!?\u2026])[)\]*_'\u2019]*\s+|;\s+|,\s+(?=but\b)|\s(?=but (?:I|you|we|here|there|if)\b)", re.I)
_ITEM = re.compile(r"\s*(?:[-*+\u2022\u2013]|\(?(?:\d{1,3}|[a-zA-Z])[.):]|#{1,6}|(?:[Ss]tep|STEP) \d{1,3}[:.]?)\s+")
_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*|" + OTHER)
_FENCE = "```"

_WHOLE = {
    "can't": "cannot",
    "cant": "cannot",
    "won't": "will not",
    "wont": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "dont": "do not",
    "doesnt": "does not",
    "isnt": "is not",
    "im": "i am",
    "ive": "i have",
    "let's": "let us",
    "lets": "let us",
    "it's": "it is",
    "that's": "that is",
    "there's": "there is",
    "here's": "here is",
    "what's": "what is",
    "he's": "he is",
    "she's": "she is",
    "who's": "who is",
}
_ENDINGS = (("n't", " not"), ("'m", " am"), ("'re", " are"), ("'ve", " have"), ("'ll", " will"), ("'d", " would"))


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence, list item or line of code: its text as written, its words made plain, and the line it stands on."""

    text: str
    words: tuple[str, ...]
    line: int
    item: bool = False
    code: bool = False


def sentences(text: str) -> list[Sentence]:
    """The sentences of a text, in order; those without any word are left out."""
    return [sentence for sentence in _sentences(_unwrapped(text)) if sentence.words]


def words(text: str) -> tuple[str, ...]:
    """The plain words of a text."""
    return tuple(word for found in _WORD.findall(_plain(text)) for word in _expanded(found))


def _sentences(text: str) -> Iterator[Sentence]:
    code = False
    for number, line in enumerate(text.splitlines()):
        if line.lstrip().startswith(_FENCE):
            code = not code
        elif code:
            yield Sentence(line.strip(), (OTHER,) * len(words(line)), number, code=True)
        else:
            marker = _ITEM.match(line)
            yield from _cut(line[marker.end() :] if marker else line, number, item=marker is not None)


def _cut(line: str, number: int, *, item: bool) -> Iterator[Sentence]:
    silenced = _QUOTED.sub(_silenced, line)
    begin = 0
    for end, after in [*(found.span() for found in _CUT.finditer(silenced)), (len(line), len(line))]:
        yield Sentence(line[begin:end].strip(), words(silenced[begin:end]), number, item)
        begin = after


def _plain(text: str) -> str:
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).translate(_APOSTROPHES).lower()


def _unwrapped(text: str) -> str:
    """Without quotation marks around the whole: then they quote nobody."""
    text = text.strip()
    whole = len(text) > 1 and text[0] in '"\u201c\u201e' and text[-1] in '"\u201c\u201d'
    return text[1:-1] if whole and not set(text[1:-1]) & set('"\u201c\u201d\u201e') else text


def _silenced(quoted: re.Match[str]) -> str:
    """As many characters, so that places stay; a stop before the closing mark still ends the sentence."""
    inner = quoted[0][1:-1]
    stop = inner[-1] if inner.endswith((".", "!", "?")) else " "
    said = "".join(OTHER if c.isalnum() and not inner[i - 1 : i].isalnum() else " " for i, c in enumerate(inner))
    return f" {said}{stop}"


def _expanded(word: str) -> list[str]:
    if word in _WHOLE:
        return _WHOLE[word].split()
    for ending, said in _ENDINGS:
        if word.endswith(ending) and len(word) > len(ending):
            return f"{word.removesuffix(ending)}{said}".split()
    return [word.removesuffix("'s")]
