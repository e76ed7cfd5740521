"""Starting the program is quick because nothing heavy is loaded before a command needs it."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "vllm", "trl", "ray", "datasets", "pyarrow", "pandas", "numpy")

PROBE = """
import contextlib, io, json, sys
{code}
print(json.dumps([name for name in {heavy!r} if name in sys.modules]))
"""

HELP = """
import cai.cli.main
sys.argv = ["cai", "--help"]
with contextlib.redirect_stdout(io.StringIO()) as shown, contextlib.suppress(SystemExit):
    cai.cli.main.main()
assert "constitution" in shown.getvalue()
"""


def loaded(code: str) -> list[str]:
    script = PROBE.format(code=code, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    heavy: list[str] = json.loads(done.stdout.splitlines()[-1])
    return heavy


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("import cai.cli.main", id="cli"),
        pytest.param(HELP, id="help"),
        pytest.param("import cai.cli.constitution, cai.constitution.load, cai.config.resolve", id="constitution"),
    ],
)
def test_nothing_heavy_is_loaded(code: str) -> None:
    assert loaded(code) == []


def test_the_probe_can_fail() -> None:
    assert loaded("import pyarrow") != []
