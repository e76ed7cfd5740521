"""Uploads through the real client to a stand-in of the Hub: what is sent, what is not, what is said of failures."""

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import huggingface_hub.constants
import pyarrow.parquet as pq
import pytest
import yaml
from huggingface_hub.utils import disable_progress_bars, enable_progress_bars

from cai.data.card import Tally, preference_card, sft_card
from cai.data.formats.source import find_rows
from cai.data.push import CARD, HubError, plan_upload, push
from cai.data.shards import ShardWriter
from cai.data.tables import PREFERENCE_SCHEMA, SFT_SCHEMA, Provenance
from cai.errors import DatasetError, UsageError

# The client's own, when it sends a shard.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPO = "somebody/kindness"


@pytest.fixture(scope="session")
def hub_server() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hub_server", Path(__file__).with_name("hub_server.py"))
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def hub(hub_server: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The stand-in, a token for it, and no token of the machine's user."""
    monkeypatch.setenv("HF_TOKEN", hub_server.TOKEN)
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(tmp_path / "no_token"))
    # Its newer way of sending large files speaks to other servers.
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    disable_progress_bars()
    with hub_server.serving() as served:
        yield served
    enable_progress_bars()


@pytest.fixture
def run(tmp_path: Path, origin: Provenance) -> Path:
    """A run with both datasets and their cards, and with what must never leave it."""
    folder = tmp_path / "run"
    write(folder, "sft", SFT_SCHEMA, {"prompt": MESSAGE, "completion": MESSAGE})
    write(folder, "preferences", PREFERENCE_SCHEMA, {"prompt": MESSAGE, "chosen": MESSAGE, "rejected": MESSAGE})
    tally = Tally()
    (folder / "datasets" / "sft" / CARD).write_text(sft_card(tally, origin))
    (folder / "datasets" / "preferences" / CARD).write_text(preference_card(tally, origin))
    for name in ("journal.db", "config.json", "manifest.json"):
        (folder / name).write_text("private")
    return folder


MESSAGE = [{"role": "user", "content": "hello"}]


def write(folder: Path, name: str, schema: Any, row: dict[str, Any], split: str = "train") -> None:
    place = folder / "datasets" / name
    place.mkdir(parents=True, exist_ok=True)
    with ShardWriter(place, split, schema) as writer:
        writer.add({column: row.get(column) for column in schema.names})
        writer.finish()


def test_datasets_and_one_card_arrive_whole(run: Path, hub: Any, hub_server: ModuleType) -> None:
    upload = plan_upload(find_rows(run), REPO)
    done = push(upload, REPO, private=True, endpoint=hub.url)
    files = hub.files(REPO)
    shards = ["preferences/train-00000-of-00001.parquet", "sft/train-00000-of-00001.parquet"]
    assert sorted(files) == [".gitattributes", CARD, *shards]
    for name in shards:
        assert files[name] == (run / "datasets" / name).read_bytes()
    assert hub.private[REPO] and done.url == f"{hub.url}/datasets/{REPO}"
    assert upload.sizes() == {name: len(files[name]) for name in [CARD, *shards]}
    assert all(hub_server.TOKEN.encode() not in data and data != b"private" for data in files.values())


def test_the_card_has_a_configuration_for_each_dataset(run: Path, tmp_path: Path) -> None:
    write(run, "sft", SFT_SCHEMA, {"prompt": MESSAGE, "completion": MESSAGE}, "eval")
    card = str(plan_upload(find_rows(run), REPO).files[CARD])
    header = yaml.safe_load(card.split("---\n")[1])
    assert [config["config_name"] for config in header["configs"]] == ["sft", "preferences"]
    assert header["configs"][0]["data_files"] == [
        {"split": "eval", "path": ["sft/eval-00000-of-00001.parquet"]},
        {"split": "train", "path": ["sft/train-00000-of-00001.parquet"]},
    ]
    assert f'load_dataset("{REPO}", "preferences")' in card and "path/of/this/folder" not in card
    for said in ("Revised answers under", "AI preferences under", "A synthetic toy world", "## Limits"):
        assert said in card


def test_the_loader_reads_what_was_sent(run: Path, hub: Any, tmp_path: Path) -> None:
    from datasets import load_dataset

    push(plan_upload(find_rows(run), REPO), REPO, endpoint=hub.url)
    for name, data in hub.files(REPO).items():
        (tmp_path / "clone" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "clone" / name).write_bytes(data)
    loaded = load_dataset(str(tmp_path / "clone"), "preferences", cache_dir=str(tmp_path / "cache"))
    (shard,) = (run / "datasets" / "preferences").glob("*.parquet")
    assert list(loaded["train"]) == pq.read_table(shard).to_pylist()


def test_a_branch_is_made_and_main_left_alone(run: Path, hub: Any) -> None:
    upload = plan_upload(find_rows(run), REPO, ("sft",))
    done = push(upload, REPO, revision="v2", endpoint=hub.url)
    assert done.revision == "v2" and set(hub.files(REPO)) == {".gitattributes"}
    assert set(hub.files(REPO, "v2")) == {".gitattributes", CARD, "sft/train-00000-of-00001.parquet"}


def test_a_repository_that_is_there_is_changed_only_on_request(run: Path, hub: Any) -> None:
    upload = plan_upload(find_rows(run), REPO)
    push(upload, REPO, endpoint=hub.url)
    hub.files(REPO)["sft/train-00001-of-00002.parquet"] = b"of an earlier upload"
    hub.files(REPO)["notes/mine.md"] = b"mine"
    with pytest.raises(UsageError, match="there already") as caught:
        push(upload, REPO, endpoint=hub.url)
    assert caught.value.fix is not None and "--update" in caught.value.fix and caught.value.exit_code == 2
    assert "sft/train-00001-of-00002.parquet" in hub.files(REPO)
    push(upload, REPO, update=True, endpoint=hub.url)
    assert "sft/train-00001-of-00002.parquet" not in hub.files(REPO) and "notes/mine.md" in hub.files(REPO)


def test_nothing_private_goes_to_a_public_repository(run: Path, hub: Any) -> None:
    upload = plan_upload(find_rows(run), REPO)
    push(upload, REPO, endpoint=hub.url)
    before = list(hub.requests)
    with pytest.raises(UsageError, match="is public"):
        push(upload, REPO, private=True, update=True, endpoint=hub.url)
    assert not any("commit" in request for request in hub.requests[len(before) :])


def test_without_a_token_nothing_is_asked(run: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(UsageError, match="no token") as caught:
        push(plan_upload(find_rows(run), REPO), REPO, endpoint=hub.url)
    assert caught.value.fix is not None and "hf auth login" in caught.value.fix
    assert hub.requests == []


def test_what_the_hub_refuses_is_said(run: Path, hub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = plan_upload(find_rows(run), REPO)
    with pytest.raises(UsageError, match="may not write there: You don't have the rights"):
        push(upload, "others/kindness", endpoint=hub.url)
    with pytest.raises(UsageError, match="no name of a repository"):
        push(upload, "a/b/c", endpoint=hub.url)
    monkeypatch.setenv("HF_TOKEN", "hf_another_secret")
    with pytest.raises(UsageError, match="does not accept the token") as caught:
        push(upload, REPO, endpoint=hub.url)
    assert "hf_another_secret" not in str(caught.value)
    hub.broken = True
    with pytest.raises(HubError, match="the Hub is on fire") as broken:
        push(upload, REPO, endpoint=hub.url)
    assert broken.value.exit_code == 74 and hub.repos == {}


def test_a_hub_that_is_not_there_is_said(run: Path, hub: Any) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(HubError, match="cannot be reached") as caught:
            push(plan_upload(find_rows(run), REPO), REPO, endpoint=nowhere)
    assert caught.value.where == nowhere


def test_a_dataset_that_is_not_there_is_refused(run: Path) -> None:
    with pytest.raises(DatasetError, match="no rows of preferences"):
        plan_upload(find_rows(run / "datasets" / "sft"), REPO, ("preferences",))


def test_the_command_pushes_to_the_endpoint_of_the_environment(run: Path, hub: Any, hub_server: ModuleType) -> None:
    environment = {**os.environ, "HF_ENDPOINT": hub.url, "HF_TOKEN": hub_server.TOKEN, "HF_HUB_DISABLE_XET": "1"}
    command = [sys.executable, "-m", "cai.cli.main", "push", str(run), REPO, "--what", "sft"]
    listed = subprocess.run([*command, "--dry-run"], env=environment, capture_output=True, text=True, check=True)
    assert hub.requests == [] and "sft/train-00000-of-00001.parquet" in listed.stdout
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"2 files are at {hub.url}/datasets/{REPO} (main, commit " in done.stdout
    assert "sft/train-00000-of-00001.parquet" in hub.files(REPO)
    again = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)
    assert again.returncode == 2 and '"there already' not in again.stdout and "there already" in again.stdout
    assert hub_server.TOKEN not in done.stdout + done.stderr + again.stdout + again.stderr
