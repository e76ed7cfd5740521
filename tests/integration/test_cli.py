"""The command line as a process of its own: exit codes, streams, signals and a second writer."""

import ctypes
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-m", "cai.cli.main"]


@pytest.fixture
def prompts(tmp_path: Path) -> Path:
    path = tmp_path / "prompts.jsonl"
    path.write_text('{"prompt": "How do I bake bread?"}\n{"prompt": "And a cäke \u202e?"}\n')
    return path


def cai(*arguments: object, **more: object) -> "subprocess.CompletedProcess[str]":
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)  # type: ignore[call-overload,no-any-return]


def told(done: "subprocess.CompletedProcess[str]", code: int) -> dict[str, object]:
    """The error object of a command with --json that ended as expected: one message, and no traceback."""
    assert done.returncode == code, done.stderr
    assert done.stderr.count("error: ") == 1 and "Traceback" not in done.stderr
    error: dict[str, object] = json.loads(done.stdout)["error"]
    assert error["exit_code"] == code and error["what"] and error["fix"]
    return error


@contextmanager
def working(prompts: Path, run: Path, *more: object, **options: object) -> "Iterator[subprocess.Popen[str]]":
    """A run that stands in its first step; it is ended in any case."""
    log = run.parent / "calls"
    os.mkfifo(log)
    engine = (
        "--engine",
        "scripted",
        "--set",
        "engines.default.latency_s=30",
        "--set",
        f"engines.default.call_log={log}",
    )
    command = [*COMMAND, "generate", str(prompts), "--out", str(run), *engine, *map(str, more)]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    process = subprocess.Popen(command, **streams)  # type: ignore[call-overload]
    try:
        # Opening waits for the engine to write its first line, and closing early would make it wait for a reader.
        with log.open() as calls:
            calls.readline()
            yield process
    finally:
        process.kill()
        process.communicate()


def without_rights() -> None:
    """In a child of root: give up the right to write where permissions forbid it."""
    # PR_CAPBSET_DROP and CAP_DAC_OVERRIDE, by their numbers in Linux.
    if ctypes.CDLL(None, use_errno=True).prctl(24, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the right cannot be given up")


def test_a_run_from_start_to_end(prompts: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    done = cai("generate", prompts, "--engine", "scripted", "--rounds", 1, "--out", run, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["counts"]["trajectories"] == 2
    assert (run / "datasets" / "sft" / "README.md").is_file()


def test_an_output_in_ascii_shows_every_record(prompts: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    cai("generate", prompts, "--engine", "scripted", "--rounds", 1, "--out", run)
    done = cai("inspect", run, env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0
    assert "c\\xe4ke \\ufffd" in done.stdout


def test_a_second_writer_is_told_who_the_first_is(prompts: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with working(prompts, run) as first:
        error = told(cai("generate", prompts, "--engine", "scripted", "--out", run, "--json"), 6)
        assert f"process {first.pid}" in str(error["what"])
        assert json.loads(cai("status", run, "--json").stdout)["state"] == "working"


def test_an_interrupt_keeps_what_was_done_and_says_how_to_go_on(prompts: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with working(prompts, run, "--json") as process:
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert json.loads(out)["error"]["kind"] == "interrupted"
    assert "stopped with 0 of 2 records done" in errors and "the same command goes on from there" in errors
    assert "Traceback" not in errors
    again = cai("generate", prompts, "--engine", "scripted", "--out", run, "--resume", "always", "--json")
    assert again.returncode == 0


@pytest.mark.parametrize("term", ["dumb", "xterm-256color"])
def test_a_dumb_terminal_is_sent_no_control_sequence(term: str, prompts: Path, tmp_path: Path) -> None:
    reader, writer = pty.openpty()
    env = {**os.environ, "TERM": term}
    with working(prompts, tmp_path / "run", stderr=writer, env=env) as process:
        os.close(writer)
        shown = os.read(reader, 65536) if term != "dumb" else b""
        process.send_signal(signal.SIGINT)
        process.wait(30)
        while select.select([reader], [], [], 0)[0]:
            try:
                shown += os.read(reader, 65536)
            except OSError:
                # The other end is closed and all has been read.
                break
    os.close(reader)
    assert b"stopped with 0 of 2" in shown
    assert (b"\x1b[?25" in shown) is (term != "dumb")
    assert term != "dumb" or b"\x1b[2K" not in shown


def test_a_reader_that_goes_away_is_no_bug(prompts: Path) -> None:
    command = [*COMMAND, "preview", str(prompts), "-n", "2", "--engine", "scripted"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) == 74


def test_a_server_that_is_not_there(prompts: Path, tmp_path: Path) -> None:
    place = ("--engine", "openai", "--base-url", "http://127.0.0.1:9/v1")
    error = told(cai("generate", prompts, *place, "--out", tmp_path / "run", "--json"), 4)
    assert error["what"] == "nothing answers at http://127.0.0.1:9/v1 (ConnectError)"
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written(prompts: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir()
    locked.chmod(0o555)
    command = ("generate", prompts, "--engine", "scripted", "--out", locked / "run", "--json")
    error = told(cai(*command, preexec_fn=without_rights if os.geteuid() == 0 else None), 74)
    assert (error["what"], error["where"]) == ("permission denied", str(locked / "run"))


class _Models(BaseHTTPRequestHandler):
    names = ("a", "b")

    def do_GET(self) -> None:
        body = json.dumps({"data": [{"id": name} for name in self.names]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("names", [("only",), ("a", "b"), ()])
def test_a_server_is_asked_for_its_one_model(names: tuple[str, ...]) -> None:
    from cai.cli.served import served_model
    from cai.errors import UsageError

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Models,), {"names": names}))
    threading.Thread(target=server.serve_forever).start()
    address = [f"http://127.0.0.1:{server.server_port}/v1"]
    try:
        if len(names) == 1:
            assert served_model(address) == "only"
        else:
            with pytest.raises(UsageError, match="offers 2 models" if names else "does not say which"):
                served_model(address)
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("case", "code", "words"),
    [
        (("--constitution", "none.yaml"), 2, "there is no such constitution file"),
        (("--pipeline", "none.yaml"), 2, "there is no such pipeline file"),
        (("--set", "generate.round=1"), 2, "`generate.round` is not a known key"),
        (("--out", "a-file"), 2, "this is a file, not a folder"),
        (("--out", "foreign"), 2, "the folder is not empty and holds no run"),
        (("--out", "new", "--resume", "always"), 2, "there is no run to resume here"),
        (("--engine", "vllm", "--model", "bare", "--out", "new"), 4, "the model folder has no weights"),
        (("--engine", "vllm", "--model", "./none", "--out", "new"), 4, "there is no such model folder"),
    ],
)
def test_each_mistake_has_one_message(
    case: tuple[str, ...],
    code: int,
    words: str,
    prompts: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    mistaken(tmp_path)
    error = in_process(
        ["generate", str(prompts), "--engine", "scripted", *case, "--json"], monkeypatch, capsys, tmp_path
    )
    assert (error["exit_code"], words in str(error["what"])) == (code, True), error


@pytest.mark.parametrize(
    ("text", "where", "words"),
    [
        (None, "", "there is no such file"),
        ("", "", "the file holds no prompt"),
        ('{"prompt": "a"}\n{"promt": "b"}\n', ":2", "there is no prompt in this row"),
        ('{"prompt": "a"}\n{"prompt"\n', ":2", "not readable as JSON"),
    ],
)
def test_each_mistake_in_a_file_of_prompts_names_the_line(
    text: str | None,
    where: str,
    words: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "p.jsonl"
    if text is not None:
        path.write_text(text)
    for command in (["generate", "--out", "new"], ["preview"]):
        arguments = [*command, str(path), "--engine", "scripted", "--json"]
        error = in_process(arguments, monkeypatch, capsys, tmp_path)
        assert (error["exit_code"], error["where"]) == (2, f"{path}{where}")
        assert words in str(error["what"])


def mistaken(folder: Path) -> None:
    """What the cases name: a file, a folder of something else, a model without weights."""
    (folder / "a-file").touch()
    (folder / "foreign").mkdir()
    (folder / "foreign" / "thesis.tex").touch()
    (folder / "bare").mkdir()
    for name in ("tokenizer.json", "config.json"):
        (folder / "bare" / name).write_text("{}")


def in_process(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], folder: Path
) -> dict[str, object]:
    """The same without the second that a new Python takes to start."""
    from cai.cli.main import main

    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["cai", *arguments])
    with pytest.raises(SystemExit) as caught:
        main()
    shown = capsys.readouterr()
    code = caught.value.code
    return told(subprocess.CompletedProcess(arguments, int(code or 0), shown.out, shown.err), int(code or 0))
