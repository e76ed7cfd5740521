"""What is printed meanwhile goes to the file, by whatever way; afterwards the terminal is as it was."""

import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from cai.engines.quiet import LogSink, redirected, send_logger


def test_every_way_to_print_ends_in_the_file(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "logs" / "engine.log"
    sink = LogSink(path)
    with redirected(sink):
        print("python")
        print("python error", file=sys.stderr)
        os.write(1, b"raw\n")
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'child\\n')"], check=True)
        handler = logging.StreamHandler()
    print("shown")
    handler.emit(logging.makeLogRecord({"msg": "later"}))
    sink.close_file()
    handler.emit(logging.makeLogRecord({"msg": "dropped"}))
    sink.close_file()
    assert path.read_text().splitlines() == ["python", "python error", "raw", "child", "later"]
    assert capfd.readouterr() == ("shown\n", "")


def test_the_terminal_comes_back_after_an_error(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="inside"), redirected(LogSink(None)):
        print("hidden")
        raise ValueError("inside")
    os.write(1, b"shown\n")
    assert capfd.readouterr().out == "shown\n"


def test_warnings_are_no_errors_meanwhile() -> None:
    with pytest.warns(DeprecationWarning, match="from a library"), redirected(LogSink(None)):
        warnings.warn("from a library", DeprecationWarning, stacklevel=1)
    with pytest.raises(DeprecationWarning):
        warnings.warn("outside", DeprecationWarning, stacklevel=1)


def test_a_logger_is_sent_to_the_file(tmp_path: Path) -> None:
    logger = logging.getLogger("cai.test.quiet")
    logger.addHandler(logging.StreamHandler())
    logger.propagate = False
    sink = LogSink(tmp_path / "log")
    send_logger("cai.test.quiet", sink)
    logger.warning("noted")
    assert (tmp_path / "log").read_text() == "noted\n"
    sink.close_file()
    with pytest.raises(OSError, match="closed"):
        sink.fileno()
