"""The errors that a user can meet, each with what is wrong, where, and what to do about it.

Every error carries the exit code of the process that it ends. Nothing here knows how an error is shown.
"""

from typing import ClassVar


class CaiError(Exception):
    """Base of all expected errors.

    Args:
        what: One sentence that says what is wrong.
        where: Where it is: `file:line:col`, a key path, a record id, a URL.
        fix: What the user can do about it.
    """

    exit_code: int = 1
    kind: ClassVar[str] = "error"

    def __init__(self, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.fix = fix

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        fix = f" ({self.fix})" if self.fix else ""
        return f"{place}{self.what}{fix}"


class UsageError(CaiError):
    """The command line, a configuration or an input file is not usable."""

    exit_code = 2
    kind = "usage"


class ConfigError(UsageError):
    """A pipeline file or an override is not valid."""

    kind = "config"


class ConstitutionError(UsageError):
    """A constitution file is not valid."""

    kind = "constitution"


class TemplateError(UsageError):
    """A prompt template is missing, declares other variables than it uses, or cannot be rendered."""

    kind = "template"


class PromptSourceError(UsageError):
    """A file of prompts is missing, empty or malformed."""

    kind = "prompts"


class FeedbackError(UsageError):
    """A file of human comparisons or ratings is missing, empty or malformed."""

    kind = "feedback"


class TrajectoryError(UsageError):
    """A file of trajectories made elsewhere is missing, empty or malformed."""

    kind = "trajectories"


class DatasetError(UsageError):
    """Data to train on are missing, empty, or not in the columns that the training needs."""

    kind = "dataset"


class TrainingError(CaiError):
    """A training cannot start with this model, or cannot go on: out of memory, a loss that is no number."""

    exit_code = 4
    kind = "training"


class EngineError(CaiError):
    """The engine cannot be started, has died, or a server cannot be reached: the run cannot go on."""

    exit_code = 4
    kind = "engine"


class RequestError(CaiError):
    """One request failed for good (too long, refused by the server); the record fails, the run goes on."""

    exit_code = 3
    kind = "request"


class LimitReached(CaiError):
    """A limit that the user set was reached; the run can be resumed."""

    exit_code = 5
    kind = "limit"


class RunInUse(CaiError):
    """Another process is writing to the run directory."""

    exit_code = 6
    kind = "in use"


class StorageError(CaiError):
    """A file of the run could not be read or written."""

    exit_code = 74
    kind = "storage"
