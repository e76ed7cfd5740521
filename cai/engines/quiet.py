"""Keeps what an engine prints away from the terminal, in a file.

Works on file descriptors, so that libraries in C and processes started meanwhile are covered too. Knows no engine.
"""

import contextlib
import io
import logging
import os
import sys
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path

_REDIRECTING = threading.Lock()


class LogSink(io.TextIOBase):
    """A text stream into a log file, which stays usable after `close_file`: then it drops what is written.

    Libraries keep the stream that they found at start; it must not fail them later.

    Args:
        path: The file, appended to; None drops everything.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, path: Path | None) -> None:
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
        self._fd: int | None = os.open(path or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)

    def writable(self) -> bool:
        """Always: text is taken even when it is dropped."""
        return True

    def write(self, text: str) -> int:
        """Append at once; nothing is buffered."""
        if self._fd is not None:
            os.write(self._fd, text.encode("utf-8", "backslashreplace"))
        return len(text)

    def fileno(self) -> int:
        """The file descriptor.

        Raises:
            OSError: The file is closed.
        """
        if self._fd is None:
            raise OSError("the log file is closed")
        return self._fd

    def close_file(self) -> None:
        """Close the file; safe to call twice."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


@contextlib.contextmanager
def redirected(sink: LogSink) -> Iterator[None]:
    """Send stdout, stderr and warnings of this process, and of processes started meanwhile, to `sink`.

    One at a time in a process; what other threads print meanwhile goes there too.
    """
    with _REDIRECTING:
        sys.stdout.flush()
        sys.stderr.flush()
        saved = os.dup(1), os.dup(2)
        try:
            os.dup2(sink.fileno(), 1)
            os.dup2(sink.fileno(), 2)
            with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink), warnings.catch_warnings():
                warnings.simplefilter("default")
                yield
        finally:
            for standard, kept in zip((1, 2), saved, strict=True):
                os.dup2(kept, standard)
                os.close(kept)


def send_logger(name: str, sink: LogSink) -> None:
    """Let every plain stream handler of a logger write to `sink`; kinds made from it have streams of their own."""
    for handler in logging.getLogger(name).handlers:
        if type(handler) is logging.StreamHandler:
            handler.setStream(sink)
