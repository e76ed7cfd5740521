"""`cai run`: a recipe from its first stage to its report, resumable at each."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cai.cli.output import show_json
from cai.cli.settings import AllowCodeOption, JsonOption, SeedOption, SetOption

if TYPE_CHECKING:
    from cai.recipe.plan import PlannedStage, Recipe
    from cai.recipe.preview import Foreseen
    from cai.recipe.state import StageState


def run(
    pipeline: Annotated[Path, typer.Argument(help="Pipeline file with stages (YAML).", show_default=False)],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the recipe; by default runs/NAME.")] = None,
    seed: SeedOption = None,
    overrides: SetOption = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="Run only this stage; may be repeated.")] = None,
    allow_code: AllowCodeOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the commands, and what would be reused.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Run the stages of a pipeline one after the other: generate, train, evaluate, report.

    Given again, the same command goes on where it was stopped, and after an edit it runs only the stages whose inputs
    have changed.
    """
    from cai.config.layers import load_recipe
    from cai.recipe.stages import plan_recipe

    config = load_recipe(pipeline, overrides or (), seed)
    recipe = plan_recipe(config, out or Path("runs") / config.pipeline.name)
    if allow_code:
        recipe = recipe.allowing_code()
    if dry_run:
        _show_plan(recipe, as_json=as_json)
        return
    from cai.recipe.outcome import outcome
    from cai.recipe.run import run_recipe

    state = run_recipe(recipe, _Headers(len(recipe.stages)), only or ())
    row = outcome(recipe, state)
    if as_json:
        show_json(row)
        return
    from cai.cli.console import out as console
    from cai.cli.console import safe
    from cai.cli.recipe_tables import next_lines, outcome_view

    screen = console()
    screen.print(outcome_view(row, state))
    for line in next_lines(row, str(pipeline)):
        screen.print(safe(line), soft_wrap=True)


class _Headers:
    """Says on stderr which stage begins and how it ended; in between the stage's own progress shows there."""

    def __init__(self, total: int) -> None:
        from cai.cli.console import err

        self._console = err()
        self._total = total

    def begins(self, number: int, stage: "PlannedStage", why: str) -> None:
        """See `cai.recipe.run.Watcher`."""
        from rich.text import Text

        from cai.cli.console import safe

        title = Text(f"{number}/{self._total} ", style="bold").append_text(safe(stage.name, "bold"))
        self._console.print(title.append_text(safe(f"  ({why})")), soft_wrap=True)
        self._console.print(safe(f"    {command_text(stage)}", "dim"), soft_wrap=True)

    def ended(self, number: int, stage: "PlannedStage", state: "StageState") -> None:
        """See `cai.recipe.run.Watcher`."""
        from cai.cli.console import safe
        from cai.cli.progress import duration

        if state.status == "reused":
            text = f"{number}/{self._total} {stage.name}  reused: nothing that it depends on has changed"
        else:
            text = f"    done in {duration(state.seconds or 0)}"
        self._console.print(safe(text), soft_wrap=True)
        if state.note and state.status != "reused":
            self._console.print(safe(f"    note: {state.note}"), soft_wrap=True)


def command_text(stage: "PlannedStage") -> str:
    """The command of a stage, to be copied into a shell."""
    return shlex.join(["cai", *(part for part in stage.arguments if part != "--json")])


def _show_plan(recipe: "Recipe", *, as_json: bool) -> None:
    from cai.recipe.preview import foresee

    found = foresee(recipe)
    if as_json:
        show_json({"run_dir": str(recipe.folder), "stages": [_foreseen_row(one) for one in found]})
        return
    from cai.cli.console import out, safe

    console = out()
    for number, one in enumerate(found, start=1):
        verdict = one.verdict if one.verdict == "reused" else f"{one.verdict} ({one.why})"
        console.print(safe(f"{number}/{len(found)} {one.stage.name}  {verdict}"), soft_wrap=True)
        console.print(safe(f"    {command_text(one.stage)}"), soft_wrap=True)


def _foreseen_row(one: "Foreseen") -> dict[str, Any]:
    return {
        "name": one.stage.name,
        "kind": one.stage.kind,
        "verdict": one.verdict,
        "why": one.why,
        "command": ["cai", *one.stage.arguments],
        "settings": one.stage.settings,
    }
