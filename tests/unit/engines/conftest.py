"""Small tokenizers of the usual families, each with its kind of chat template, and a server that can fail on cue."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

from cai.config.roles import OpenAIConfig
from cai.engines.openai import OpenAIEngine

TEXT = [
    "user assistant system Hello, how are you? I am fine, thank you. What is the answer? The answer is A or B.",
    "Tell me how to bake bread.\n\nFirst, mix flour and water; then wait. Is this helpful and harmless? Yes: it is.",
    "INST SYS im start of turn model begin text header id eot end think tool call think about it 0123456789",
] * 20


@dataclass(frozen=True)
class Family:
    """A tokenizer saved as a model's folder."""

    name: str
    folder: Path
    controls: tuple[str, ...]
    lossless: bool = True
    system: bool = True


def _save(folder: Path, tokenizer: Tokenizer, settings: dict[str, object], template: str | None) -> None:
    folder.mkdir()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "TokenizersBackend", **settings}))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)


CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'"
    " }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def _chatml(folder: Path) -> Family:
    """Byte-level BPE with NFC, special tokens and others that are added but not special."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    tokenizer.train_from_iterator(
        TEXT, trainers.BpeTrainer(vocab_size=500, show_progress=False, initial_alphabet=alphabet)
    )
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    added = ["<think>", "</think>", "<tool_call>"]
    tokenizer.add_special_tokens([AddedToken(text, normalized=False) for text in special])
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in added])
    _save(folder, tokenizer, {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}, CHATML)
    return Family("chatml", folder, (*special, *added))


LLAMA3 = (
    "{{- bos_token }}{%- for message in messages %}{{- '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{%- endif %}"
)
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _llama3(folder: Path) -> Family:
    """Byte-level BPE that looks whole words up first, with the control tokens among the words of the vocabulary."""
    steps = [
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ]
    special = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "eot"]
    tokenizer = Tokenizer(models.BPE(ignore_merges=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(steps)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=500, show_progress=False, initial_alphabet=alphabet, special_tokens=special
    )
    tokenizer.train_from_iterator(TEXT, trainer)
    bos = ("<|begin_of_text|>", tokenizer.token_to_id("<|begin_of_text|>"))
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{bos[0]} $A", special_tokens=[bos])
    _save(folder, tokenizer, {"bos_token": bos[0], "eos_token": "<|eot_id|>"}, LLAMA3)
    return Family("llama3", folder, tuple(special))


INST = (
    "{% if messages[0]['role'] == 'system' %}{% set system = '<<SYS>>\n' + messages[0]['content'] + '\n<</SYS>>\n\n' %}"
    "{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}"
    "{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('Roles must alternate user/assistant!') }}{% endif %}"
    "{% if loop.index0 == 0 %}{% set content = system + message['content'] %}"
    "{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)


def _sentencepiece_bpe(folder: Path, name: str, scheme: str) -> Family:
    """BPE over the metaspace with bytes to fall back to; `scheme` says who puts the first space there."""
    special = ["<unk>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if scheme == "normalizer":
        tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme, split=False)
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    words = [word for line in TEXT for word in line.split()]
    trainer = trainers.BpeTrainer(
        vocab_size=600, show_progress=False, initial_alphabet=["▁"], special_tokens=[*special, *bytes_]
    )
    tokenizer.train_from_iterator(words, trainer)
    spec = json.loads(tokenizer.to_str())
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["content"] in special]
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    bos = ("<s>", tokenizer.token_to_id("<s>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="<s> $A", special_tokens=[bos])
    settings = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
    _save(folder, tokenizer, settings, INST)
    return Family(name, folder, tuple(special))


GEMMA = (
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\n' + message['content'] | trim + '<end_of_turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\n' }}{% endif %}"
)


def _gemma(folder: Path) -> Family:
    """BPE with white space of several lengths as added tokens, as Gemma has, and markup that is added, not special."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<start_of_turn>", "<end_of_turn>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Replace(" ", "▁")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    tokenizer.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    bytes_ = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=600, show_progress=False, initial_alphabet=["▁"], special_tokens=[*special, *bytes_]
    )
    tokenizer.train_from_iterator([word for line in TEXT for word in line.split(" ")], trainer)
    spec = json.loads(tokenizer.to_str())
    spec["added_tokens"] = [token for token in spec["added_tokens"] if token["content"] in special]
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    tokenizer.add_tokens([AddedToken(text, normalized=False) for text in ("\n\n", "▁▁", "▁▁▁", "<table>")])
    bos = ("<bos>", tokenizer.token_to_id("<bos>"))
    tokenizer.post_processor = processors.TemplateProcessing(single="<bos> $A", special_tokens=[bos])
    _save(folder, tokenizer, {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>"}, GEMMA)
    return Family("gemma", folder, (*special, "<table>"), system=False)


PHI = (
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + '<|end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


def _unigram(folder: Path) -> Family:
    """Unigram over the metaspace; every control token is a piece that the model could find by itself.

    Its turn tokens swallow the white space after them.
    """
    turns = ["<|user|>", "<|assistant|>", "<|system|>", "<|end|>"]
    special = ["<unk>", "<s>", "</s>", *turns]
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=True)
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="first")
    trainer = trainers.UnigramTrainer(vocab_size=200, special_tokens=special, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(TEXT, trainer)
    spec = json.loads(tokenizer.to_str())
    for token in spec["added_tokens"]:
        token["rstrip"] = token["content"] in turns
    tokenizer = Tokenizer.from_str(json.dumps(spec))
    _save(folder, tokenizer, {"eos_token": "<|end|>", "unk_token": "<unk>"}, PHI)
    return Family("unigram", folder, tuple(special), lossless=False)


@pytest.fixture(scope="session")
def families(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Family]:
    """One model folder (tokenizer only) for each family."""
    root = tmp_path_factory.mktemp("tokenizers")
    made = [
        _chatml(root / "chatml"),
        _llama3(root / "llama3"),
        _sentencepiece_bpe(root / "llama2", "llama2", "normalizer"),
        _sentencepiece_bpe(root / "mistral", "mistral", "first"),
        _gemma(root / "gemma"),
        _unigram(root / "unigram"),
    ]
    return {family.name: family for family in made}


@dataclass(frozen=True)
class Reply:
    """What the stand-in server answers; `reset` drops the connection, `hang` keeps it open without an answer."""

    status: int = 200
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    how: str = "answer"


class StandIn:
    """A server on a real socket. Replies in `cues` are given first, then what `answer(path, body)` says.

    It offers its models at GET /v1/models, and notes each request as `(path, headers, body)` in `asked`.
    """

    def __init__(self, answer: Callable[[str, dict[str, Any]], object], models: list[dict[str, Any]] | None = None):
        self.answer = answer
        self.models = [{"id": "m"}] if models is None else models
        self.cues: list[Reply] = []
        self.model_cues: list[Reply] = []
        self.asked: list[tuple[str, dict[str, str], dict[str, Any]]] = []
        self.running = 0
        self.most_running = 0

    async def __aenter__(self) -> "StandIn":
        self._ending = asyncio.Event()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the socket and let go of whoever hangs."""
        self._ending.set()
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            verb, path, _ = head[0].split(" ")
            headers = {k.lower(): v for k, v in (line.split(": ", 1) for line in head[1:] if line)}
            raw = await reader.readexactly(int(headers.get("content-length", 0)))
            if verb == "GET":
                reply = self.model_cues.pop(0) if self.model_cues else Reply(body={"data": self.models})
            else:
                reply = await self._reply(path.removeprefix("/v1"), headers, json.loads(raw))
            if reply.how == "hang":
                await self._ending.wait()
            elif reply.how == "answer":
                body = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                lines = [f"{name}: {value}" for name, value in reply.headers.items()]
                lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {len(body)}", "Connection: close", *lines]
                writer.write("\r\n".join([*lines, "", ""]).encode() + body)
                await writer.drain()
        writer.close()

    async def _reply(self, path: str, headers: dict[str, str], body: dict[str, Any]) -> Reply:
        self.asked.append((path, headers, body))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        return self.cues.pop(0) if self.cues else Reply(body=self.answer(path, body))


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    """The class of the stand-in server, with any proxy of this machine out of the way."""
    monkeypatch.setenv("NO_PROXY", "*")
    return StandIn


@pytest.fixture
def reply() -> type[Reply]:
    """The class of the stand-in's replies."""
    return Reply


@pytest.fixture
def started(stand_in: type[StandIn]) -> Callable[..., AbstractAsyncContextManager[tuple[OpenAIEngine, StandIn]]]:
    """Opens an engine that has been started on a stand-in server; gives both."""

    @asynccontextmanager
    async def opened(answer: Any, **settings: Any) -> AsyncIterator[tuple[OpenAIEngine, StandIn]]:
        async with stand_in(answer) as server:
            engine = OpenAIEngine(OpenAIConfig(model="m", base_urls=(server.url,), **settings))
            await engine.start()
            yield engine, server
            await engine.close()

    return opened
