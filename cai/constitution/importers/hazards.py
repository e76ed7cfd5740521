"""Guesses which hazards a rule is about, from telling words in it. A guess restricts nothing; people correct it."""

import re

WORDS = {
    "vcr": r"violen\w*|kill\w*|murder\w*|assault\w*|terror\w*|kidnap\w*|tortur\w*|physical (?:harm|injury)",
    "ncr": r"crim\w*|illegal\w*|theft|steal\w*|robber\w*|burglar\w*|hack\w*|drug (?:trade|deal\w*)|vandal\w*",
    "src": r"rape|sexual (?:assault|harassment|violence)|sex traffick\w*|sexual(?:ly)? abus\w*",
    "cse": r"(?:child|children|minors?) (?:sexual\w* )?(?:abuse|exploitation)|sexuali[sz]\w* (?:of )?minors?|groom\w*",
    "ssh": r"suicid\w*|self[- ]?harm\w*|self[- ]?injur\w*|eating disorders?",
    "iwp": r"weapons?|explosives?|bombs?|bioweapons?|nerve agents?",
    "sxc_prn": r"pornograph\w*|erotic\w*|sexually explicit|explicit sex\w*|nsfw",
    "dangerous_acts": r"dangerous (?:advice|activit\w+|acts?|challenges?|behaviou?r)|risky|accidents?",
    "hte": r"racis\w*|sexis\w*|hate|hateful\w*|misogyn\w*|homophob\w*|slurs?|derogatory|dehumani[sz]\w*|bigot\w*",
    "stereotype": r"stereotyp\w*|social(?:ly)? bias\w*|gender bias\w*|prejudic\w*",
    "discrimination": r"discriminat\w*|unequal treatment",
    "dfm": r"defam\w*|libel\w*|slander\w*",
    "spc_ele": r"elections?|voting|voters?|ballots?",
    "spc_fin": r"financial advice|invest(?:ment|ing)s?|tax advice",
    "spc_hlt": r"medical\w*|health advice|diagnos\w*|treatment advice|medication\w*",
    "spc_lgl": r"legal advice|legally questionable|lawyers?",
    "false_info": r"misinformation|disinformation|falsehoods?|conspirac\w*|pseudo-?science|made-up facts|truthful\w*",
    "scam": r"scams?|fraud\w*|phishing|decei\w*|deception|impersonat\w*|manipulat\w*",
    "prv": r"privacy|private information|personal (?:data|information)|doxx?\w*",
    "surveillance": r"surveil\w*|spy\w*|stalk\w*|track(?:ing)? (?:people|someone|somebody)",
    "ipv": r"copyright\w*|intellectual property|plagiari\w*|trade secrets?|piracy|confidential\w*",
}
"""For each hazard of the taxonomy, words that speak of it."""

_PATTERNS = {hazard: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for hazard, words in WORDS.items()}


def guessed_hazards(text: str) -> tuple[str, ...]:
    """Hazards whose words are in a text, in the order of the taxonomy."""
    return tuple(hazard for hazard, pattern in _PATTERNS.items() if pattern.search(text))
