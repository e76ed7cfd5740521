"""Cards say what is in a dataset, and nothing of the clock or the machine."""

from collections import Counter
from collections.abc import Callable

import yaml

from cai.config.stages import GenerateConfig
from cai.data.card import Tally, preference_card, sft_card
from cai.data.tables import PREFERENCE_SCHEMA, SFT_SCHEMA, Provenance, preference_rows, sft_rows
from cai.store.reader import JournalRecord

Make = Callable[..., JournalRecord]


def tallies(a_record: Make, config: GenerateConfig, origin: Provenance) -> tuple[Tally, Tally]:
    sft, preferences = Tally(), Tally()
    for text, p_a in [("a", 0.1), ("b", 0.8), ("c", 0.5), ("d", 0.4)]:
        record = a_record(text, p_a=p_a)
        split = "eval" if text == "a" else "train"
        for row in sft_rows(record, config, origin):
            sft.add_sft(split, row)
        found = preference_rows(record, origin)
        preferences.left_out["tie"] += found.ties
        for pair in found.rows:
            preferences.add_preference(split, pair)
    return sft, preferences


def test_the_header_names_the_splits_that_have_rows(a_record: Make, config: GenerateConfig, origin: Provenance) -> None:
    sft, preferences = tallies(a_record, config, origin)
    train, eval_ = ({"split": split, "path": f"{split}-*.parquet"} for split in ("train", "eval"))
    for card, files in [
        (sft_card(sft, origin), [train, eval_]),
        (preference_card(preferences, origin), [train, eval_]),
        (sft_card(Tally(), origin), [train]),
        (sft_card(Tally(rows=Counter(eval=1)), origin), [eval_]),
    ]:
        assert yaml.safe_load(card.split("---\n")[1])["configs"][0]["data_files"] == files


def test_counts_and_label_statistics_are_told(a_record: Make, config: GenerateConfig, origin: Provenance) -> None:
    sft, preferences = tallies(a_record, config, origin)
    text = sft_card(sft, origin)
    assert "Left out" not in text
    assert "| train | 6 |" in text
    assert "| eval | 2 |" in text
    assert "| vcr | 4 | 0 |" in text
    assert "| (none given) | 2 | 2 |" in text
    assert "| 1 | 4 |\n| 2 | 4 |" in text
    text = preference_card(preferences, origin)
    assert "## Left out\n\n| reason | rows |\n| --- | ---: |\n| tie | 1 |\n" in text
    assert "order | 33.3% |" in text
    assert "(`label_mass`) | 0.900 |" in text
    assert f"mean `p_chosen` | {(0.9 + 0.8 + 0.6) / 3:.3f} |" in text


def test_every_column_is_explained(origin: Provenance) -> None:
    for card, schema in [
        (sft_card(Tally(), origin), SFT_SCHEMA),
        (preference_card(Tally(), origin), PREFERENCE_SCHEMA),
    ]:
        columns = card.split("## Columns")[1].split("##")[0]
        assert all(f"`{name}`" in columns for name in schema.names)


def test_the_sandbox_is_called_a_toy_world_and_others_are_not() -> None:
    for card in (sft_card, preference_card):
        assert "synthetic toy world" in card(Tally(), Provenance("c", "1", "cai-sandbox"))
        assert "toy world" not in card(Tally(), Provenance("c", "1", "org/model"))


def test_names_of_a_user_cannot_break_header_or_tables() -> None:
    origin = Provenance('a: "b"\n---\n# <script>', "1 | *2*", "m`x`")
    tally = Tally()
    tally.hazards["x | y\n<b>"] = Counter(train=1)
    card = sft_card(tally, origin)
    assert yaml.safe_load(card.split("---\n")[1])["pretty_name"].startswith("Revised answers under a: ")
    body = card.split("---\n", 2)[2]
    assert "\n# <script>" not in body
    assert "1 \\| \\*2\\*" in body
    assert "| x \\| y \\<b\\> | 1 | 0 |" in body
