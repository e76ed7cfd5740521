"""A run's datasets to the Hub: which files go where, the card of the whole, and one commit.

Nothing of a run but the shards of its datasets and their cards is ever sent. The token is the one that huggingface_hub
finds (HF_TOKEN, or `hf auth login`); it is not read, kept or shown here.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from cai.data.formats.rows import Dataset
from cai.data.formats.source import RowFiles
from cai.errors import CaiError, DatasetError, UsageError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

CARD = "README.md"
_HARM = """\
The rows may hold offensive prompts and harmful answers. Do not show them without care.
"""


class HubError(CaiError):
    """The Hub cannot be reached, or it refuses what is asked."""

    exit_code = 74
    kind = "hub"


@dataclass(frozen=True, slots=True)
class Upload:
    """What goes to the Hub: by path in the repository a file of this machine, or a text."""

    files: Mapping[str, Path | str]

    def sizes(self) -> dict[str, int]:
        """Bytes by path, in the order of the paths."""
        return {
            path: len(content.encode()) if isinstance(content, str) else content.stat().st_size
            for path, content in sorted(self.files.items())
        }


@dataclass(frozen=True, slots=True)
class Pushed:
    """What is on the Hub now."""

    repo_id: str
    url: str
    revision: str
    commit: str


def plan_upload(source: RowFiles, repo_id: str, datasets: tuple[Dataset, ...] | None = None) -> Upload:
    """The files of a dataset repository: one folder and one configuration a dataset, with the cards that they have.

    Args:
        source: The files of the datasets.
        repo_id: Name of the repository, for the example in the card.
        datasets: Which to send; None for all that are there.

    Raises:
        DatasetError: A dataset that is asked for is not there.
    """
    wanted = datasets or tuple(source.files)
    files: dict[str, Path | str] = {}
    cards: dict[Dataset, str] = {}
    for dataset in wanted:
        if dataset not in source.files:
            has = ", ".join(source.files)
            raise DatasetError(f"there are no rows of {dataset}", where=str(source.path), fix=f"there are: {has}")
        shards = [file for names in source.files[dataset].values() for file in names]
        files |= {f"{dataset}/{file.name}": file for file in shards}
        card = shards[0].with_name(CARD)
        cards[dataset] = card.read_text(encoding="utf-8") if card.is_file() else f"# {dataset}\n"
    files[CARD] = _card(source, repo_id, cards)
    return Upload(files)


def push(
    upload: Upload,
    repo_id: str,
    *,
    private: bool = False,
    revision: str | None = None,
    update: bool = False,
    endpoint: str | None = None,
) -> Pushed:
    """Make the dataset repository and send everything in one commit.

    Args:
        upload: The files.
        repo_id: `NAME` or `OWNER/NAME`.
        private: Whether only its owner may see the repository.
        revision: Branch to commit to, made if it is not there; None for the main one.
        update: Whether the repository may be there already; then the folders of these datasets are replaced.
        endpoint: Address of the Hub; None for that of huggingface_hub (HF_ENDPOINT).

    Raises:
        UsageError: There is no token, it may not do this, or the repository is there already.
        HubError: The Hub cannot be reached, or refuses.
    """
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi(endpoint=endpoint)
    with _explained(repo_id, api.endpoint):
        _check_token()
        url = api.create_repo(repo_id, repo_type="dataset", private=private or None, exist_ok=update)
        full_id = url.repo_id
        if private and update and not api.repo_info(full_id, repo_type="dataset").private:
            fix = "make it private on the Hub first, or leave --private out"
            raise UsageError("the repository is there already, and is public", where=full_id, fix=fix)
        if revision is not None:
            api.create_branch(full_id, repo_type="dataset", branch=revision, exist_ok=True)
        operations: list[Any] = [CommitOperationDelete(path) for path in _stale(api, upload, full_id, revision, update)]
        operations += [
            CommitOperationAdd(path, content.encode() if isinstance(content, str) else content)
            for path, content in sorted(upload.files.items())
        ]
        made = api.create_commit(
            full_id, operations, commit_message="Upload datasets", repo_type="dataset", revision=revision
        )
    return Pushed(full_id, str(url), revision or "main", made.oid)


def _stale(api: "HfApi", upload: Upload, repo_id: str, revision: str | None, update: bool) -> list[str]:
    """Shards of an earlier upload that this one does not replace by name: a loader would read them too."""
    if not update:
        return []
    folders = {path.split("/")[0] + "/" for path in upload.files if "/" in path}
    there = api.list_repo_files(repo_id, repo_type="dataset", revision=revision)
    return [path for path in there if path.startswith(tuple(folders)) and path not in upload.files]


def _check_token() -> None:
    from huggingface_hub import get_token

    if get_token() is None:
        fix = "set HF_TOKEN to a token that may write, or run: hf auth login"
        raise UsageError("there is no token of the Hub", where="HF_TOKEN", fix=fix)


@contextmanager
def _explained(repo_id: str, endpoint: str) -> Iterator[None]:
    """Errors of the client in our words; none of them holds the token."""
    from huggingface_hub.errors import HfHubHTTPError

    # Which HTTP client the Hub's client has depends on its version; the bases of its own error are that client's.
    errors: tuple[type[BaseException], ...] = (*HfHubHTTPError.__bases__, OSError, ValueError, RuntimeError)
    try:
        yield
    except errors as error:
        if isinstance(error, OSError) and error.filename:
            # A file of ours, about which the system speaks for itself.
            raise
        raise _in_our_words(error, repo_id, endpoint) from error


def _in_our_words(error: BaseException, repo_id: str, endpoint: str) -> CaiError:
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    if isinstance(error, HFValidationError):
        what = f"this is no name of a repository: {str(error).splitlines()[0]}"
        return UsageError(what, where=repo_id, fix="write it as OWNER/NAME")
    if isinstance(error, HfHubHTTPError):
        return _refused(error, repo_id)
    if isinstance(error, OfflineModeIsEnabled):
        return HubError("the Hub is switched off", where="HF_HUB_OFFLINE", fix="unset it, or push later")
    if isinstance(error, (*HfHubHTTPError.__bases__, OSError)):
        what = f"the Hub cannot be reached: {str(error) or type(error).__name__}"
        return HubError(what, where=endpoint, fix="check the network and HF_ENDPOINT, then push again")
    if error.__cause__ is not None:
        return _in_our_words(error.__cause__, repo_id, endpoint)
    # The client's own check of a card, and its faster way to send large files, end like this.
    return HubError(f"the upload failed: {error}", where=repo_id, fix="push again with --update")


def _refused(error: Any, repo_id: str) -> CaiError:
    status = error.response.status_code
    said = str(error.server_message or "").strip() or f"status {status}"
    if status == 401:
        fix = "set HF_TOKEN to a valid token, or run: hf auth login"
        return UsageError(f"the Hub does not accept the token: {said}", where=repo_id, fix=fix)
    if status == 403:
        fix = "take a token with write access to this owner, or another owner"
        return UsageError(f"the token may not write there: {said}", where=repo_id, fix=fix)
    if status == 409:
        fix = "choose another name, or let it be changed by --update"
        return UsageError("a repository of this name is there already", where=repo_id, fix=fix)
    return HubError(f"the Hub refuses: {said}", where=repo_id, fix="see what it says; push again with --update")


def _card(source: RowFiles, repo_id: str, cards: Mapping[Dataset, str]) -> str:
    """One card of all datasets: a header with a configuration for each, then what their own cards say."""
    configs = [
        {
            "config_name": dataset,
            **({"default": True} if number == 0 else {}),
            "data_files": [
                {"split": split, "path": [f"{dataset}/{file.name}" for file in files]}
                for split, files in source.files[dataset].items()
            ],
        }
        for number, dataset in enumerate(cards)
    ]
    tags = ["constitutional-ai", *(tag for dataset, tag in _TAGS.items() if dataset in cards)]
    header = yaml.safe_dump({"tags": tags, "configs": configs}, sort_keys=False, allow_unicode=True)
    calls = "".join(f'{dataset} = load_dataset("{repo_id}", "{dataset}")\n' for dataset in cards)
    loading = f"```python\nfrom datasets import load_dataset\n\n{calls}```\n"
    parts = [f"---\n{header}---\n", _HARM, loading, *(_body(card) for card in cards.values())]
    return "\n".join(parts)


_TAGS: dict[Dataset, str] = {"sft": "sft", "preferences": "preference"}


def _body(card: str) -> str:
    """A card without its header, and without how to load the folder that it lay in."""
    if card.startswith("---\n"):
        card = card.split("\n---\n", 1)[-1]
    sections = card.strip().split("\n## ")
    return "\n## ".join(part for part in sections if not part.startswith("Loading\n")) + "\n"
