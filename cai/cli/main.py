"""The `cai` command: its sub-commands, and how every error ends the process.

Start-up time is everyone's: nothing heavy may be imported here or by the modules of the commands. That is why help is
plain: Rich alone would double the time that `cai --help` takes.
"""

import sys

import typer

from cai.cli import (
    constitution,
    doctor,
    evaluate,
    export,
    feedback,
    generate,
    import_run,
    init,
    label,
    preview,
    push,
    redteam,
    report,
    run,
    runs,
    sandbox,
    train,
)
from cai.cli.output import Interrupted, OutputClosed, encodable, error_row, give_up_stdout, show_json
from cai.errors import CaiError, StorageError, UsageError

app = typer.Typer(
    name="cai",
    help="Constitutional AI: from a constitution (YAML) to SFT and AI-preference datasets, on a vLLM engine.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("init", short_help="Begin a project that validates and runs.")(init.init)
app.command("generate", short_help="Make the SFT and the preference dataset.")(generate.generate)
app.command("run", short_help="Run a recipe: generate, train, evaluate, report.")(run.run)
app.command("train", short_help="Train a model: SFT, reward model, DPO or KTO.")(train.train)
app.command("import-run", short_help="Read trajectories made elsewhere into a run.")(import_run.import_run)
app.command("export", short_help="Write a run's datasets for a trainer.")(export.export)
app.command("push", short_help="Send a run's datasets to the Hub.")(push.push)
app.command("label", short_help="Label a file of comparisons.")(label.label)
app.command("redteam", short_help="Make new red-team prompts from seeds.")(redteam.redteam)
app.command("preview", short_help="Show every prompt as the model sees it.")(preview.preview)
app.command("status", short_help="Show how far a run is.")(runs.status)
app.command("inspect", short_help="Show every step of one record.")(runs.inspect)
app.command("report", short_help="Write a page that shows what was done.")(report.report)
app.command("doctor", short_help="Check what this machine has.")(doctor.doctor)
app.add_typer(evaluate.app, name="eval", short_help="Measure models: harm, refusals, preferences, collapse.")
app.add_typer(feedback.app, name="feedback", short_help="What people say of a run: import, agreement, review.")
app.add_typer(constitution.app, name="constitution", short_help="Check and show constitution files.")
app.add_typer(sandbox.app, name="sandbox", short_help="The embedded sandbox and its model.")

_PARSER_ERROR: type[Exception] = typer.BadParameter.__mro__[1]
"""The base of every error of the command line; typer exports only those that are made from it."""


def _version(wanted: bool) -> None:
    if wanted:
        from cai import __version__

        typer.echo(f"cai {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Options of every command."""


def main() -> None:
    """Run the command line; the process ends with the exit code of what happened.

    0 done, 1 bug, 2 usage or configuration, 3 finished with failed records, 4 engine, 5 a limit was reached, 6 run
    directory in use, 74 input or output, 130 interrupted. With --json an error too is one JSON object on stdout:
    `error`, with `kind`, `what`, `where`, `fix` and `exit_code`; people read it on stderr.
    """
    encodable()
    try:
        code = _run()
    except OutputClosed as error:
        give_up_stdout()
        code = error.exit_code
    sys.exit(code)


def _run() -> int:
    try:
        code = app(prog_name="cai", standalone_mode=False)
    except CaiError as error:
        return _ended(error)
    except _PARSER_ERROR as error:
        return _misused(error)
    except OSError as error:
        where = str(error.filename) if error.filename else None
        fix = "check the path, its rights and the disk"
        return _ended(StorageError(error.strerror or str(error), where=where, fix=fix))
    except typer.Abort:
        return _ended(Interrupted("stopped"))
    # The exit code of `typer.Exit`; typer makes 130 of an interrupt that no command dealt with.
    return _ended(Interrupted("stopped")) if code == Interrupted.exit_code else int(code or 0)


def _ended(error: CaiError) -> int:
    """Tell people, and scripts that asked for JSON."""
    from cai.cli.console import show_error

    if isinstance(error, OutputClosed):
        raise error
    show_error(error)
    if _wants_json():
        show_json(error_row(error))
    return error.exit_code


def _misused(error: BaseException) -> int:
    """Arguments that the parser does not understand, or none at all: then it shows the help."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "cai"
    message = error.format_message() if hasattr(error, "format_message") else str(error)
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(message, err=True)
        return UsageError.exit_code
    return _ended(UsageError(message, where=command, fix=f"see {command} --help"))


def _wants_json() -> bool:
    return "--json" in sys.argv[1:]


if __name__ == "__main__":
    main()
