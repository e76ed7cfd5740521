"""Says what to install where a filter's library is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from cai.errors import ConfigError


@contextmanager
def needing(package: str, what: str) -> Iterator[None]:
    """Turn a failed import in the block into an error that helps.

    Raises:
        ConfigError: The package is not installed.
    """
    try:
        yield
    except ModuleNotFoundError:
        raise ConfigError(
            f"{what} needs the package {package}, which is not installed",
            where="generate.filters",
            fix="pip install 'constitutional-ai[filters]', or set the filter to null",
        ) from None
