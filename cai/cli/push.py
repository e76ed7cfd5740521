"""`cai push`: a run's datasets to the Hub."""

from typing import TYPE_CHECKING, Annotated, get_args

import typer

from cai.cli.export import RunArgument
from cai.cli.output import show_json, show_line
from cai.cli.settings import JsonOption
from cai.errors import UsageError

if TYPE_CHECKING:
    from cai.data.formats.rows import Dataset


def push(
    run: RunArgument,
    repo_id: Annotated[str, typer.Argument(metavar="REPO_ID", help="OWNER/NAME on the Hub.", show_default=False)],
    what: Annotated[
        str | None, typer.Option("--what", help="By commas: sft, preferences; by default what there is.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="Let only the owner see the repository.")] = False,
    revision: Annotated[
        str | None, typer.Option("--revision", help="Branch to commit to; made if it is not there.")
    ] = None,
    update: Annotated[
        bool, typer.Option("--update", help="Let the repository be there already; its datasets are replaced.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the files and send nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Send a run's datasets with their cards to a dataset repository of the Hub, in one commit.

    The token is that of HF_TOKEN, or of `hf auth login`. Nothing else of the run is sent.
    """
    from cai.data.formats.source import find_rows
    from cai.data.push import plan_upload
    from cai.data.push import push as send

    upload = plan_upload(find_rows(run), repo_id, _datasets(what))
    sizes = upload.sizes()
    row = {"repo_id": repo_id, "private": private, "revision": revision or "main", "files": sizes}
    if dry_run:
        if as_json:
            show_json({**row, "url": None, "commit": None})
            return
        for path, size in sizes.items():
            show_line(f"{size:>12,}  {path}")
        show_line(f"{len(sizes)} files would go to {repo_id} ({'private' if private else 'public'})")
        return
    done = send(upload, repo_id, private=private, revision=revision, update=update)
    if as_json:
        show_json({**row, "repo_id": done.repo_id, "url": done.url, "commit": done.commit})
        return
    show_line(f"{len(sizes)} files are at {done.url} ({done.revision}, commit {done.commit})")


def _datasets(text: str | None) -> "tuple[Dataset, ...] | None":
    from cai.data.formats.rows import Dataset

    if text is None:
        return None
    known: tuple[Dataset, ...] = get_args(Dataset)
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        what = f"there is no dataset {wrong[0]!r}" if wrong else "no dataset is named"
        raise UsageError(what, where="--what", fix=f"use {', '.join(known)}")
    return tuple(dataset for dataset in known if dataset in names)
