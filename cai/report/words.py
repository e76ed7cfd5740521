"""Small sentences about numbers, which say what happened and not what was hoped for."""

from cai.report.figures import UNKNOWN, share

_SAME = 0.0005


def moved(before: float | None, after: float | None) -> str:
    """How a share went from one value to another, as a verb with both."""
    if before is None and after is None:
        return f"are {UNKNOWN}"
    if before is None or after is None:
        return f"go from {share(before)} to {share(after)}"
    if abs(after - before) < _SAME:
        return f"stay at {share(after)}"
    return f"{'fall' if after < before else 'rise'} from {share(before)} to {share(after)}"


def duration(seconds: float | None) -> str:
    """A length of time for people."""
    if seconds is None:
        return UNKNOWN
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
