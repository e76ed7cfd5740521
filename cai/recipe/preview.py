"""What a recipe would do, without doing it: which stages would be reused, which run, and why."""

from dataclasses import dataclass

from cai.recipe.inputs import check_inputs, stage_fingerprint
from cai.recipe.plan import PlannedStage, Recipe
from cai.recipe.run import is_current, reason
from cai.recipe.state import RecipeState, StageState


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A stage, and what would become of it: `reused`, `run`, or `perhaps`, if that depends on what others make."""

    stage: PlannedStage
    verdict: str
    why: str


def foresee(recipe: Recipe) -> list[Foreseen]:
    """Look at every stage; nothing is written.

    Raises:
        CaiError: A file that a stage reads is missing or not valid, or an earlier run cannot be read.
    """
    check_inputs(recipe)
    before = RecipeState.read(recipe.folder)
    known = before.stages if before is not None else {}
    stages = {stage.name: known.get(stage.name, StageState(stage.name, stage.kind)) for stage in recipe.stages}
    state = RecipeState(recipe.folder, recipe.name, stages)
    found: list[Foreseen] = []
    owed: set[str] = set()
    for stage in recipe.stages:
        follows = [name for name in stage.needs if name in owed]
        if follows and state.stages[stage.name].begun:
            found.append(Foreseen(stage, "perhaps", f"follows {', '.join(follows)}"))
        elif follows:
            found.append(Foreseen(stage, "run", "new"))
        elif is_current(recipe, state, stage):
            found.append(Foreseen(stage, "reused", "unchanged"))
        else:
            found.append(Foreseen(stage, "run", reason(stage, state.stages[stage.name], stage_fingerprint(stage))))
        if found[-1].verdict != "reused":
            owed.add(stage.name)
    return found
