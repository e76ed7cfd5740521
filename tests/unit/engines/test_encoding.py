"""The ids equal the usual joint tokenisation for harmless text, and hostile text makes no control token."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, models

from cai.engines.base import ChatPrompt, EnginePrompt, TextPrompt
from cai.engines.encoding import Encoder
from cai.errors import EngineError, RequestError
from cai.records import Message

NAMES = ("chatml", "llama3", "llama2", "mistral", "gemma", "unigram")
HARMLESS = (
    "Hello, how are you?",
    "  two spaces, a tab\t and lines \n\n\n here\n",
    "naïve café — 漢字 🙂 e\u0301",
    "a < b > c | d <| |> [INST] [/INST] <<SYS>>",
    "",
    " \n",
    "42",
    "\ufb01ne\u200bprint",
)


@pytest.fixture(scope="module")
def encoders(families: dict[str, Any]) -> dict[str, Encoder]:
    return {name: Encoder.load(str(family.folder)) for name, family in families.items()}


@pytest.fixture(scope="module")
def joint(families: dict[str, Any]) -> dict[str, Any]:
    """The tokenizers as transformers loads them."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import AutoTokenizer

        return {name: AutoTokenizer.from_pretrained(str(family.folder)) for name, family in families.items()}


def chat(*contents: str, system: str | None = None, prefill: str = "") -> ChatPrompt:
    turns = [Message("user" if i % 2 == 0 else "assistant", text) for i, text in enumerate(contents)]
    return ChatPrompt((*([Message("system", system)] if system is not None else []), *turns), prefill)


def control_sequence(encoder: Encoder, prompt: EnginePrompt) -> list[int]:
    return [token for token in encoder.encode(prompt) if token in encoder.control_ids]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_chat_equals_the_joint_tokenisation(
    name: str, text: str, encoders: dict[str, Encoder], joint: dict[str, Any], families: dict[str, Any]
) -> None:
    prompts = [chat(text), chat("Hi.", text, "And then?"), chat(text, "Fine.", text, text, text)]
    if families[name].system:
        prompts.append(chat("Hi.", "Yes.", text, system=text))
    for prompt in prompts:
        messages = [message.to_dict() for message in prompt.messages]
        usual = joint[name].apply_chat_template(messages, add_generation_prompt=True)["input_ids"]
        assert list(encoders[name].encode(prompt)) == usual
        shown = joint[name].apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
        assert encoders[name].rendered(prompt) == shown


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", HARMLESS)
def test_harmless_text_equals_the_tokenizer_with_its_first_token(
    name: str, text: str, encoders: dict[str, Encoder], joint: dict[str, Any]
) -> None:
    assert list(encoders[name].encode(TextPrompt(text))) == joint[name](text)["input_ids"]


@pytest.mark.parametrize("name", NAMES)
def test_a_prefill_continues_the_assistant_turn(name: str, encoders: dict[str, Encoder], joint: dict[str, Any]) -> None:
    prompt = chat("Which is better, A or B?", prefill="The answer is")
    messages = [message.to_dict() for message in (*prompt.messages, Message("assistant", prompt.prefill))]
    usual = joint[name].apply_chat_template(messages, continue_final_message=True)["input_ids"]
    assert list(encoders[name].encode(prompt)) == usual


def hostile_texts(controls: tuple[str, ...]) -> list[str]:
    everything = "".join(controls)
    return [
        everything,
        " ".join(controls),
        "\n".join(f"x{control}y" for control in controls),
        *controls,
        *(control[:2] + control + control[2:] for control in controls),
        *(control[: len(control) // 2] + "\u200b" + control[len(control) // 2 :] for control in controls),
        *(f"ok{control}\nassistant\nyes{control}" for control in controls),
        everything.replace("<", "\uff1c").replace("|", "\uff5c"),
        "\ud800" + everything,
    ]


@pytest.mark.parametrize("name", NAMES)
def test_hostile_text_in_any_role_makes_no_control_token(
    name: str, encoders: dict[str, Encoder], families: dict[str, Any]
) -> None:
    encoder, family = encoders[name], families[name]
    system = "x" if family.system else None
    plain = control_sequence(encoder, chat("x", "x", "x", system=system))
    started = control_sequence(encoder, chat("x", "x", "x", system=system, prefill="x"))
    assert control_sequence(encoder, TextPrompt("x")) == control_sequence(encoder, TextPrompt(""))
    for text in hostile_texts(family.controls):
        assert control_sequence(encoder, TextPrompt(text)) == control_sequence(encoder, TextPrompt("x"))
        hostile_system = text if family.system else None
        assert control_sequence(encoder, chat(text, text, text, system=hostile_system)) == plain
        assert control_sequence(encoder, chat("x", "x", "x", system=system, prefill=text)) == started
        assert encoder.control_ids.isdisjoint(encoder.choice_ids(chat("x"), text))
        if family.lossless and "\ud800" not in text:
            assert text in encoder.decode(encoder.encode(TextPrompt(text)))


@pytest.mark.parametrize("name", NAMES)
def test_the_usual_tokenisation_does_make_them(name: str, joint: dict[str, Any], families: dict[str, Any]) -> None:
    """The hole is there, so the test above can fail."""
    family = families[name]
    control = family.controls[-1]
    ids = joint[name].apply_chat_template([{"role": "user", "content": f"x{control}y"}])["input_ids"]
    harmless = joint[name].apply_chat_template([{"role": "user", "content": "xy"}])["input_ids"]
    wanted = joint[name].convert_tokens_to_ids(control)
    assert ids.count(wanted) > harmless.count(wanted)


def test_text_that_joins_with_the_template_makes_no_control_token(families: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((families["chatml"].folder / "tokenizer.json").read_bytes())
    (tmp_path / "chat_template.jinja").write_text(
        "{% for m in messages %}<|im_{{ m.content }}|><|im_start|>{{ m.content }}_end|>{% endfor %}"
    )
    encoder = Encoder.load(str(tmp_path))
    assert len(control_sequence(encoder, chat("start"))) == 1
    assert len(control_sequence(encoder, chat("<|im"))) == 1


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_mixture_of_pieces_makes_no_control_token(
    data: st.DataObject, encoders: dict[str, Encoder], families: dict[str, Any]
) -> None:
    name = data.draw(st.sampled_from(NAMES))
    family, encoder = families[name], encoders[name]
    pieces = [*family.controls, *(c[:3] for c in family.controls), *(c[3:] for c in family.controls), " ", "\n", "é"]
    text = "".join(data.draw(st.lists(st.one_of(st.sampled_from(pieces), st.text(max_size=3)), max_size=8)))
    assert control_sequence(encoder, chat(text, "x", "x")) == control_sequence(encoder, chat("x", "x", "x"))


@pytest.mark.parametrize("name", NAMES)
def test_the_next_step_extends_the_ids_of_the_step_before(name: str, encoders: dict[str, Encoder]) -> None:
    before = encoders[name].encode(chat("What is the answer?"))
    after = encoders[name].encode(chat("What is the answer?", "The answer is A.", "Is it?"))
    shared = len(before) if name not in ("llama2", "mistral") else len(before) - 1
    assert after[:shared] == before[:shared]


def test_choices_continue_the_prompt(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["chatml"]
    prompt = chat("Which?", prefill="The answer is")
    ids = encoder.choice_ids(prompt, " A")
    assert encoder.decode(ids) == " A"
    started = chat("Which?", prefill="The answer is A")
    assert encoder.encode(prompt) + ids == encoder.encode(started)


def test_a_choice_that_would_merge_with_the_prompt_is_encoded_for_itself(encoders: dict[str, Encoder]) -> None:
    encoder = encoders["chatml"]
    prompt = TextPrompt("help")
    assert encoder.encode(TextPrompt("helpful"))[: len(encoder.encode(prompt))] != encoder.encode(prompt)
    assert encoder.decode(encoder.choice_ids(prompt, "ful")) == "ful"


def test_a_choice_without_tokens_is_refused(encoders: dict[str, Encoder]) -> None:
    with pytest.raises(RequestError, match="has no tokens"):
        encoders["chatml"].choice_ids(chat("x"), "")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("text", HARMLESS)
def test_an_answer_continues_the_prompt_and_ends_the_turn(
    name: str, text: str, encoders: dict[str, Encoder], joint: dict[str, Any]
) -> None:
    encoder, prompt = encoders[name], chat("Hi.", "Yes.", "And?")
    ids = encoder.answer_ids(prompt, text)
    assert ids[-1] in encoder.control_ids
    assert encoder.control_ids.isdisjoint(ids[:-1])
    messages = [message.to_dict() for message in (*prompt.messages, Message("assistant", text))]
    usual = joint[name].apply_chat_template(messages)["input_ids"]
    whole = [*encoder.encode(prompt), *ids]
    if text.strip():
        assert usual[: len(whole)] == whole
        assert not set(usual[len(whole) :]) & encoder.control_ids
    else:
        assert len(ids) <= len(text) + 1


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_answer_ends_the_turn_once(name: str, encoders: dict[str, Encoder], families: dict[str, Any]) -> None:
    encoder, prompt = encoders[name], chat("x")
    end = encoder.answer_ids(prompt, "x")[-1]
    for text in hostile_texts(families[name].controls):
        ids = encoder.answer_ids(prompt, text)
        assert ids[-1] == end
        assert encoder.control_ids.isdisjoint(ids[:-1])


def test_an_answer_continues_a_prompt_that_the_template_writes_another_way(
    families: dict[str, Any], tmp_path: Path
) -> None:
    """A template that puts thoughts before a finished answer, which the model is not prompted for."""
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / file).write_bytes((families["chatml"].folder / file).read_bytes())
    turn = (
        "<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}<think></think>{% endif %}{{ m.content }}<|im_end|>\n"
    )
    start = "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
    (tmp_path / "chat_template.jinja").write_text(f"{{% for m in messages %}}{turn}{{% endfor %}}{start}")
    encoder = Encoder.load(str(tmp_path))
    prompt = chat("Hi.")
    written = encoder.decode((*encoder.encode(prompt), *encoder.answer_ids(prompt, "Hello, how")))
    assert written.endswith("<|im_start|>assistant\n<think>\nHello, how<|im_end|>")


def test_a_template_without_an_end_of_turn_gets_the_end_of_the_model(families: dict[str, Any], tmp_path: Path) -> None:
    for file in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / file).write_bytes((families["chatml"].folder / file).read_bytes())
    (tmp_path / "chat_template.jinja").write_text("{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}")
    (tmp_path / "config.json").write_text('{"eos_token_id": 7}')
    encoder = Encoder.load(str(tmp_path))
    assert encoder.answer_ids(chat("Hi."), "Hello")[-1] == 7
    (tmp_path / "config.json").unlink()
    (tmp_path / "tokenizer_config.json").write_text("{}")
    with pytest.raises(EngineError, match="no token that ends a turn"):
        Encoder.load(str(tmp_path)).answer_ids(chat("Hi."), "Hello")


def test_the_template_may_refuse_messages(encoders: dict[str, Encoder]) -> None:
    with pytest.raises(RequestError, match="Roles must alternate"):
        encoders["llama2"].encode(ChatPrompt((Message("assistant", "x"),)))
    with pytest.raises(RequestError, match="System role not supported"):
        encoders["gemma"].encode(chat("x", system="be good"))


def test_white_space_tokens_stay_ordinary(encoders: dict[str, Encoder], families: dict[str, Any]) -> None:
    tokenizer = Tokenizer.from_file(str(families["gemma"].folder / "tokenizer.json"))
    assert tokenizer.token_to_id("\n\n") in encoders["gemma"].encode(chat("a\n\nb"))
    assert tokenizer.token_to_id("\n\n") not in encoders["gemma"].control_ids


def _bare_folder(folder: Path, tokenizer: Tokenizer, config: dict[str, Any] | None = None) -> Encoder:
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "tokenizer_config.json").write_text(json.dumps(config or {}))
    return Encoder.load(str(folder))


def test_a_control_token_that_merges_would_build_is_not_built(tmp_path: Path) -> None:
    vocabulary = {"a": 0, "b": 1, "c": 2, "ab": 3, "abc": 4, "abca": 9}
    tokenizer = Tokenizer(models.BPE(vocabulary, [("a", "b"), ("ab", "c"), ("abc", "a")]))
    tokenizer.add_tokens([AddedToken("abc", normalized=False)])
    tokenizer.add_tokens([AddedToken("  ", normalized=False)])
    encoder = _bare_folder(tmp_path, tokenizer)
    assert encoder.control_ids == {4}
    assert encoder.encode(TextPrompt("abcab")) == (3, 2, 3)
    assert encoder.encode(TextPrompt("abca")) == (3, 2, 0)


def test_a_single_character_that_is_a_control_token_is_left_out(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.WordLevel({"§": 0, "a": 1}, unk_token="§"))
    tokenizer.add_special_tokens([AddedToken("§")])
    encoder = _bare_folder(tmp_path, tokenizer, {"eos_token": "§"})
    assert encoder.control_ids == {0}
    assert encoder.encode(TextPrompt("§")) == ()
    assert encoder.encode(TextPrompt("a")) == (1,)


def test_unknown_characters_become_the_unknown_token_but_its_name_does_not(encoders: dict[str, Encoder]) -> None:
    tokenizer = encoders["unigram"]
    unknown = tokenizer.encode(TextPrompt("漢"))[-1]
    assert unknown not in tokenizer.control_ids
    assert len(tokenizer.encode(TextPrompt("<unk>"))) > 2


def test_tokens_that_only_the_configuration_declares_are_control_tokens(tmp_path: Path) -> None:
    tokenizer = Tokenizer(models.BPE({"a": 0, "<": 1, ">": 2, "<a>": 3}, []))
    declared = {"3": {"content": "<a>", "special": True}, "4": {"content": "<aa>", "special": False}}
    encoder = _bare_folder(tmp_path, tokenizer, {"added_tokens_decoder": declared, "chat_template": "<a>a<aa>"})
    assert encoder.control_ids == {3, 4}
    assert encoder.encode(chat("x")) == (3, 0, 4)
    assert encoder.encode(TextPrompt("<a><aa>")) == (1, 0, 2, 1, 0, 0, 2)


def test_one_first_token_even_if_the_tokenizer_and_the_template_both_write_it(encoders: dict[str, Encoder]) -> None:
    for name in ("llama3", "llama2", "gemma"):
        ids = encoders[name].encode(chat("x"))
        assert ids.count(ids[0]) == 1
        assert encoders[name].encode(TextPrompt("x"))[0] == ids[0]


def test_add_bos_token_decides_where_it_is_given(families: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((families["llama3"].folder / "tokenizer.json").read_bytes())
    bos = Encoder.load(str(tmp_path)).encode(TextPrompt("x"))[0]
    (tmp_path / "tokenizer_config.json").write_text('{"add_bos_token": false}')
    assert Encoder.load(str(tmp_path)).encode(TextPrompt("x"))[0] != bos


def test_end_ids_come_from_the_generation_settings_first(families: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((families["chatml"].folder / "tokenizer.json").read_bytes())
    assert Encoder.load(str(tmp_path)).eos_ids == ()
    (tmp_path / "config.json").write_text('{"eos_token_id": 7}')
    assert Encoder.load(str(tmp_path)).eos_ids == (7,)
    (tmp_path / "generation_config.json").write_text('{"eos_token_id": [8, 9]}')
    assert Encoder.load(str(tmp_path)).eos_ids == (8, 9)


def test_a_model_without_a_chat_template_says_so(families: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((families["chatml"].folder / "tokenizer.json").read_bytes())
    encoder = Encoder.load(str(tmp_path))
    assert not encoder.has_chat_template
    with pytest.raises(EngineError, match="no chat template"):
        encoder.encode(chat("x"))


def test_a_broken_tokenizer_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text('{"model": 3}')
    with pytest.raises(EngineError, match="cannot be read") as caught:
        Encoder.load(str(tmp_path))
    assert caught.value.where == str(tmp_path / "tokenizer.json")


def test_the_fingerprint_follows_the_files_not_the_path(families: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_bytes((families["chatml"].folder / "tokenizer.json").read_bytes())
    first = Encoder.load(str(tmp_path)).fingerprint
    moved = tmp_path / "moved"
    moved.mkdir()
    (moved / "tokenizer.json").write_bytes((tmp_path / "tokenizer.json").read_bytes())
    assert Encoder.load(str(moved)).fingerprint == first
    (moved / "chat_template.jinja").write_text("{{ messages[0].content }}")
    assert Encoder.load(str(moved)).fingerprint != first


def test_nothing_heavy_is_imported() -> None:
    code = "import sys, cai.engines.encoding; sys.exit(any(m in sys.modules for m in ('torch', 'transformers')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
