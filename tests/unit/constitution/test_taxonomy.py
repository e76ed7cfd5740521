from collections import Counter

import pytest

from cai.constitution.taxonomy import taxonomy

AILUMINATE = {
    *("vcr", "ncr", "src", "cse", "ssh", "iwp", "ipv", "dfm", "hte", "prv"),
    *("spc_ele", "spc_fin", "spc_hlt", "spc_lgl", "sxc_prn"),
}


def test_four_families_with_at_least_two_hazards_each() -> None:
    counts = Counter(hazard.family for hazard in taxonomy().hazards)
    assert [family.name for family in taxonomy().families] == [
        "unsafe content",
        "bias and discrimination",
        "false information",
        "privacy leaks",
    ]
    assert set(counts) == {family.id for family in taxonomy().families}
    assert min(counts.values()) >= 2


def test_every_ailuminate_hazard_is_there_under_its_own_code() -> None:
    assert {hazard.id for hazard in taxonomy().hazards if hazard.ailuminate == (hazard.id,)} == AILUMINATE
    assert {code for hazard in taxonomy().hazards for code in hazard.ailuminate} == AILUMINATE


def test_llama_guard_categories_are_all_mapped() -> None:
    codes = {code for hazard in taxonomy().hazards for code in hazard.llama_guard}
    assert codes == {f"S{n}" for n in range(1, 15)}


def test_ids_are_unique_and_descriptions_are_one_sentence() -> None:
    assert len(taxonomy().ids) == len(taxonomy().hazards)
    for hazard in taxonomy().hazards:
        assert hazard.description.endswith(".")
        assert hazard.description.count(". ") == 0


def test_family_of_a_hazard() -> None:
    assert taxonomy().family_of("scam").name == "false information"
    with pytest.raises(KeyError):
        taxonomy().family_of("nothing")
