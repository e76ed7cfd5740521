"""Leaves out rows with an answer in which a check found a flaw that stayed."""

from cai.filters.base import Candidate


class FlawFilter:
    """Reads what the record says of its answers."""

    def reason(self, candidate: Candidate) -> str | None:
        """`flaw` and its name, of the first answer that has one."""
        return next((f"flaw: {answer.flaw}" for answer in candidate.answers if answer.flaw), None)
