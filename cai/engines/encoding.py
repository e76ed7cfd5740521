"""Prompts to token ids, so that no text from outside can become a control token.

Control tokens are recognised in what the chat template itself wrote and nowhere else. Reads the model's files with
`tokenizers` alone; knows no engine.

transformers and vLLM tokenise the rendered prompt as one string, where `<|im_start|>` inside a user's message is
as good as the template's own. For text without such strings the ids here are the same as theirs.
"""

import re
from pathlib import Path
from typing import Any, NamedTuple

from tokenizers import AddedToken, Tokenizer

from cai.engines.base import ChatPrompt, EnginePrompt
from cai.engines.blind_tokenizer import BlindTokenizer, Run, is_plain
from cai.engines.chat_template import ChatTemplate, Segment
from cai.engines.model_folder import find_model, read_json, tokenizer_fingerprint
from cai.errors import EngineError, RequestError

_NAMED_TOKENS = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class _Control(NamedTuple):
    token_id: int
    lstrip: bool
    rstrip: bool


class Encoder:
    """Encodes prompts for one model; made with `Encoder.load`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        spec = read_json(folder / "tokenizer.json")
        settings = read_json(folder / "tokenizer_config.json")
        named = _named_tokens(settings, read_json(folder / "special_tokens_map.json"))
        self._tokenizer = _full_tokenizer(folder, settings, named)
        added = self._tokenizer.get_added_tokens_decoder()
        self._controls = {
            token.content: _Control(token_id, token.lstrip, token.rstrip)
            for token_id, token in added.items()
            if not is_plain(token.content)
        }
        lawful = _unknown_id(spec, self._tokenizer, named)
        self._control_ids = frozenset(control.token_id for control in self._controls.values()) - {lawful}
        self._pattern = re.compile("|".join(re.escape(text) for text in sorted(self._controls, key=len, reverse=True)))
        self._blind = BlindTokenizer(spec, added, frozenset(self._controls), self._control_ids)
        self._bos_ids = self._leading_ids(settings, named)
        self._eos_ids = _eos_ids(folder, self._tokenizer, named)
        source, where = _template_source(folder, settings)
        self._template = ChatTemplate(source, named, where) if source is not None else None
        self._fingerprint = tokenizer_fingerprint(folder)

    @classmethod
    def load(cls, model: str, revision: str | None = None) -> "Encoder":
        """Read the tokenizer of a model: a folder, or a name on the hub.

        Raises:
            EngineError: There is no such model, or its tokenizer cannot be read.
        """
        return cls(find_model(model, revision, weights=False))

    @property
    def control_ids(self) -> frozenset[int]:
        """Ids that no text from outside becomes: added tokens, special or not, white space excepted.

        The token for unknown characters is not among them, because unknown characters lawfully become it.
        """
        return self._control_ids

    @property
    def eos_ids(self) -> tuple[int, ...]:
        """Ids at which the model ends its turn, from generation_config.json, config.json or the tokenizer."""
        return self._eos_ids

    @property
    def fingerprint(self) -> str:
        """Hash of the tokenizer's files and the chat template."""
        return self._fingerprint

    @property
    def has_chat_template(self) -> bool:
        """Whether chat prompts can be encoded."""
        return self._template is not None

    def encode(self, prompt: EnginePrompt) -> tuple[int, ...]:
        """Token ids of a prompt, complete with the control tokens that the template writes.

        Raises:
            RequestError: The chat template refuses the messages.
            EngineError: A chat prompt for a model without a chat template.
        """
        return self._encode(prompt, self._segments(prompt))

    def choice_ids(self, prompt: EnginePrompt, choice: str) -> tuple[int, ...]:
        """Token ids with which `choice` continues the encoded prompt.

        Where the choice would merge with the end of the prompt into other tokens, it is encoded for itself.

        Raises:
            RequestError: The choice has no tokens, or the chat template refuses the messages.
            EngineError: A chat prompt for a model without a chat template.
        """
        segments = self._segments(prompt)
        base = self._encode(prompt, segments)
        whole = self._encode(prompt, (*segments, Segment(choice, False)))
        if len(whole) > len(base) and whole[: len(base)] == base:
            return whole[len(base) :]
        alone = self._blind.encode(Run(_clean(choice), first=False, strip_left=False, strip_right=False))
        if not alone:
            raise RequestError(f"the choice {choice!r} has no tokens", fix="give choices that are text")
        return alone

    def answer_ids(self, prompt: ChatPrompt, answer: str) -> tuple[int, ...]:
        """Token ids with which an assistant's answer continues the encoded prompt, its end of turn the last of them.

        They are what the template makes of the answer, where this continues the prompt as the engine sees it; where the
        template writes a finished turn in another way, the answer's own text continues the prompt. A template without
        an end of turn gets the token at which the model ends.

        Raises:
            RequestError: The chat template refuses the messages.
            EngineError: The model has no chat template, or nothing that ends a turn.
        """
        base = self.encode(prompt)
        turn, end = self._finished_turn(prompt, answer)
        whole = self._encode(prompt, turn) if answer.strip() else ()
        if len(whole) > len(base) and whole[: len(base)] == base:
            ids = whole[len(base) :]
            return ids if ids[-1] == end else (*ids, end)
        return (*self.choice_ids(prompt, answer), end) if answer else (end,)

    def _finished_turn(self, prompt: ChatPrompt, answer: str) -> tuple[tuple[Segment, ...], int]:
        """The conversation up to the first control token after the answer, and that token."""
        # An answer without text would leave no mark of where it ends.
        *before, tail = self._chat_template().answered(prompt.messages, answer if answer.strip() else ".")
        match = self._pattern.search(tail.text) if tail.trusted and self._controls else None
        if match is not None:
            end = self._controls[match[0]].token_id
            text = tail.text[: match.end()]
        elif self._eos_ids:
            end = self._eos_ids[0]
            text = "" if tail.trusted else tail.text
        else:
            raise EngineError(
                "the model has no token that ends a turn",
                where=str(self._folder),
                fix="name its eos_token in tokenizer_config.json",
            )
        return (*before, Segment(text, tail.trusted)), end

    def decode(self, ids: tuple[int, ...]) -> str:
        """Text of ids, control tokens written out."""
        return self._tokenizer.decode(list(ids), skip_special_tokens=False)

    def rendered(self, prompt: EnginePrompt) -> str:
        """The prompt as text, control tokens written out. For people: encoding this text anew would not be safe.

        Raises:
            As `encode`.
        """
        begin = "" if isinstance(prompt, ChatPrompt) else self.decode(self._bos_ids)
        return begin + "".join(segment.text for segment in self._segments(prompt))

    def _segments(self, prompt: EnginePrompt) -> tuple[Segment, ...]:
        if not isinstance(prompt, ChatPrompt):
            return (Segment(prompt.text, False),)
        return self._chat_template().segments(prompt)

    def _chat_template(self) -> ChatTemplate:
        if self._template is None:
            raise EngineError(
                "the model has no chat template",
                where=str(self._folder),
                fix="set `generate.form: transcript`, or use a model that was tuned for chat",
            )
        return self._template

    def _encode(self, prompt: EnginePrompt, segments: tuple[Segment, ...]) -> tuple[int, ...]:
        # A chat template writes the token for the beginning itself, or means that there is none.
        ids: list[int] = [] if isinstance(prompt, ChatPrompt) else list(self._bos_ids)
        left: _Control | None = None
        for text, right in self._runs(segments):
            if text:
                run = Run(text, left is None, left is not None and left.rstrip, right is not None and right.lstrip)
                ids.extend(self._blind.encode(run))
            if right is not None:
                ids.append(right.token_id)
            left = right
        return tuple(ids)

    def _runs(self, segments: tuple[Segment, ...]) -> list[tuple[str, _Control | None]]:
        """Text between control tokens, each with the control token after it; the last one has None."""
        runs: list[tuple[str, _Control | None]] = []
        pending: list[str] = []
        for segment in segments:
            done = 0
            for match in self._pattern.finditer(segment.text) if segment.trusted and self._controls else ():
                pending.append(segment.text[done : match.start()])
                runs.append((_clean("".join(pending)), self._controls[match[0]]))
                pending = []
                done = match.end()
            pending.append(segment.text[done:])
        runs.append((_clean("".join(pending)), None))
        return runs

    def _leading_ids(self, settings: dict[str, Any], named: dict[str, str]) -> tuple[int, ...]:
        """Ids that the tokenizer puts before a plain text, such as the one for its beginning."""
        bare = self._tokenizer.encode("a", add_special_tokens=False).ids
        full = self._tokenizer.encode("a", add_special_tokens=True).ids
        at = next((i for i in range(len(full)) if full[i : i + len(bare)] == bare), 0)
        lead = tuple(full[:at])
        if not lead and settings.get("add_bos_token") is True and "bos_token" in named:
            bos = self._tokenizer.token_to_id(named["bos_token"])
            return () if bos is None else (bos,)
        return () if settings.get("add_bos_token") is False else lead


def _clean(text: str) -> str:
    """Lone surrogates, which no tokenizer takes, become the replacement character."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _full_tokenizer(folder: Path, settings: dict[str, Any], named: dict[str, str]) -> Tokenizer:
    """The model's tokenizer, with the added tokens that only tokenizer_config.json declares."""
    path = folder / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_str(path.read_text(encoding="utf-8"))
    # The library raises plain Exception for anything that it cannot read.
    except Exception as error:
        raise EngineError(
            f"the tokenizer cannot be read: {error}", where=str(path), fix="fetch or save the tokenizer again"
        ) from error
    tokenizer.no_truncation()
    tokenizer.no_padding()
    known = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
    declared = settings.get("added_tokens_decoder") or {}
    for index in sorted(declared, key=int):
        flags = {k: v for k, v in declared[index].items() if k in ("lstrip", "rstrip", "single_word", "normalized")}
        token = AddedToken(declared[index]["content"], special=bool(declared[index].get("special")), **flags)
        if token.content not in known:
            (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
            known.add(token.content)
    for content in named.values():
        if content not in known and tokenizer.token_to_id(content) is not None:
            tokenizer.add_special_tokens([AddedToken(content, normalized=False, special=True)])
    return tokenizer


def _unknown_id(spec: dict[str, Any], tokenizer: Tokenizer, named: dict[str, str]) -> int | None:
    """Id that the tokenizer's model gives to characters it does not know; None if that id means more than this."""
    model = spec.get("model", {})
    unknown = model.get("unk_id")
    if not isinstance(unknown, int):
        unknown = tokenizer.token_to_id(model["unk_token"]) if isinstance(model.get("unk_token"), str) else None
    others = {tokenizer.token_to_id(text) for name, text in named.items() if name != "unk_token"}
    return None if unknown in others else unknown


def _named_tokens(settings: dict[str, Any], fallback: dict[str, Any]) -> dict[str, str]:
    """`bos_token` and its like, as templates see them."""
    named: dict[str, str] = {}
    for name in _NAMED_TOKENS:
        value = settings.get(name) or fallback.get(name)
        content = value.get("content") if isinstance(value, dict) else value
        if isinstance(content, str):
            named[name] = content
    return named


def _eos_ids(folder: Path, tokenizer: Tokenizer, named: dict[str, str]) -> tuple[int, ...]:
    for name in ("generation_config.json", "config.json"):
        value = read_json(folder / name).get("eos_token_id")
        if isinstance(value, int):
            return (value,)
        if isinstance(value, list):
            return tuple(value)
    eos = tokenizer.token_to_id(named["eos_token"]) if "eos_token" in named else None
    return () if eos is None else (eos,)


def _template_source(folder: Path, settings: dict[str, Any]) -> tuple[str | None, str]:
    """The chat template and the file that holds it; the newer places first."""
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8"), str(path)
    for name, table in (
        ("chat_template.json", read_json(folder / "chat_template.json")),
        ("tokenizer_config.json", settings),
    ):
        source = table.get("chat_template")
        if isinstance(source, list):
            source = next((entry["template"] for entry in source if entry.get("name") == "default"), None)
        if isinstance(source, str):
            return source, str(folder / name)
    return None, str(folder)
