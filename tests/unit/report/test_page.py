"""The page as a whole: every kind of folder, every text escaped, one file that may load nothing."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest

from cai.errors import StorageError
from cai.report.oracle import OracleFigures, RevisionFigures
from cai.report.page import Report, write_report

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)></style></title>'\"&{{ 7*7 }}\x1b[31m\u202e\ufffe "
ORACLE = OracleFigures(
    (RevisionFigures(0, 0.9, 0.05, 0.9), RevisionFigures(1, 0.2, 0.7, None)), 0.95, 0.9, {"principle-1": (6, 4)}
)
OF_A_RUN = {"principles", "hazards", "lengths", "label-probabilities", "label-mass"}
ROUNDS = {"changes-by-round", "principles"}
OF_AN_EVALUATION = {"by-stage", "plane", "harm-by-hazard", "win-rates", "ratings", "collapse"}


class Reader(HTMLParser):
    """Elements with their attributes, and the text of each."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def written(path: Path) -> tuple[Report, Reader]:
    report = write_report(path, path / "report.html")
    return report, Reader(report.path.read_text())


def left_out(report: Report) -> set[str]:
    return {found.section for found in report.left_out}


def test_a_run(tmp_path: Path, report_folders: ModuleType) -> None:
    report_folders.write_run(tmp_path / "mine")
    report, page = written(tmp_path / "mine")
    assert set(report.figures) == OF_A_RUN | ROUNDS
    assert "28 prompts = 24 trajectories + 2 filtered + 2 failed" in page.text
    assert "kindness 1.2.0 (none.yaml)" in page.text
    assert len(page.named("article")) == 10
    assert "harm by revision" in left_out(report) and "training curves" in left_out(report)
    for found in report.left_out:
        assert found.reason in page.text
    assert "sandbox" not in page.text


def test_rows_that_filters_left_out_are_told(tmp_path: Path, report_folders: ModuleType) -> None:
    manifest = report_folders.write_run(tmp_path / "mine").manifest_path
    row = json.loads(manifest.read_text())
    row["counts"] |= {"sft_left_out": {"looping": 4, HOSTILE: 1}, "preference_left_out": {"tie": 1200}}
    manifest.write_text(json.dumps(row))
    report, page = written(tmp_path / "mine")
    assert "left out of SFT" in page.text and "4 looping" in page.text
    assert "left out of preferences" in page.text and "1,200 tie" in page.text
    assert "<img src=x" not in report.path.read_text()


def test_an_oracle_adds_what_it_knows(tmp_path: Path, report_folders: ModuleType) -> None:
    report_folders.write_run(tmp_path / "mine")
    report = write_report(tmp_path / "mine", tmp_path / "page.html", lambda _: ORACLE)
    page = Reader(report.path.read_text())
    assert set(report.figures) == OF_A_RUN | ROUNDS | {"harm-by-revision"}
    assert "harm by revision" not in left_out(report)
    assert "fall from 90.0% to 20.0% over 1 revision;" in page.text
    assert "4 of 6" in page.text and "not a useful assistant" in page.text


def test_a_recipe_has_everything(tmp_path: Path, report_folders: ModuleType) -> None:
    report, page = written(report_folders.write_recipe(tmp_path / "recipe"))
    expected = {f"generate-{name}" for name in OF_A_RUN | ROUNDS} | {f"eval-{name}" for name in OF_AN_EVALUATION}
    expected |= {f"pairs-{name}" for name in OF_A_RUN - {"principles"}}
    expected |= {"sft-loss", "dpo-loss", "dpo-accuracy", "reward-loss", "reward-accuracy", "reward-reliability"}
    expected |= {"reward-accuracy-by-hazard", "reward-accuracy-by-length"}
    assert set(report.figures) == expected and len(report.figures) == len(expected)
    assert left_out(report) == {"harm by revision", "principles of pairs"}
    assert [a["id"] for a in page.named("figure")] == list(report.figures)
    # A drawing and a table for each, and ids that are on the page once.
    assert len(page.named("svg")) == len(report.figures)
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    targets = {str(a["href"])[1:] for a in page.named("a")}
    assert targets <= set(ids)
    assert len(page.named("article")) == 10 + 10 + 6
    for words in (
        "1 min 10 s",
        "dpo wins 92.0%",
        "(distinct-2) of dpo: \N{MINUS SIGN}5.6%",
        "Expected calibration error 0.112",
    ):
        assert words in page.text


def test_unknown_figures_are_unknown_and_not_nothing(tmp_path: Path, report_folders: ModuleType) -> None:
    report, page = written(report_folders.write_evaluation(tmp_path / "eval", judged=False))
    assert set(report.figures) == {"by-stage", "collapse"}
    assert {"helpfulness and harmlessness", "win rates"} <= left_out(report)
    assert "harmful answers are unknown" in page.text
    assert "Nobody judged harm" in page.text


def test_a_training(tmp_path: Path, report_folders: ModuleType) -> None:
    report, page = written(report_folders.write_training(tmp_path / "mine", "sft"))
    assert report.figures == ("loss",)
    assert "mine: supervised fine-tuning" in page.text


def test_every_text_is_text(tmp_path: Path, report_folders: ModuleType) -> None:
    path = report_folders.write_recipe(tmp_path / "recipe", lambda text: HOSTILE + text)
    report, page = written(path)
    assert len(report.figures) > 20
    assert not page.named("script") and not page.named("img") and len(page.named("style")) == 1
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("style", "src")]
    assert page.text.count("<script>alert(1)</script>") > 100
    assert "{{ 7*7 }}" in page.text and "⟨U+001B⟩[31m⟨U+202E⟩⟨U+FFFE⟩" in page.text
    source = report.path.read_text()
    assert not [c for c in source if c in "\x1b\u202e\ufffe"]


def test_the_policy_allows_nothing_but_the_one_sheet(tmp_path: Path, report_folders: ModuleType) -> None:
    report, page = written(report_folders.write_training(tmp_path / "mine", "dpo"))
    source = report.path.read_text()
    (sheet,) = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    (policy,) = [a["content"] for a in page.named("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert "url(" not in sheet and "@import" not in sheet
    assert not page.named("link")
    assert source.lstrip().startswith("<!doctype html>")


def test_equal_folders_give_equal_pages(tmp_path: Path, report_folders: ModuleType) -> None:
    report_folders.write_run(tmp_path / "run")
    first = write_report(tmp_path / "run", tmp_path / "a.html").path.read_text()
    second = write_report(tmp_path / "run", tmp_path / "b.html").path.read_text()
    date = r"Written [0-9: -]+ UTC"
    assert re.sub(date, "", first) == re.sub(date, "", second)


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path, report_folders: ModuleType) -> None:
    folder = report_folders.write_training(tmp_path / "mine", "dpo")
    with pytest.raises(StorageError):
        write_report(folder, folder)


def test_an_empty_run_has_a_page(tmp_path: Path, report_folders: ModuleType) -> None:
    report_folders.write_run(tmp_path / "run", records=0)
    report, page = written(tmp_path / "run")
    assert report.figures == ()
    assert "figures of run" in left_out(report) and "4 prompts = 0 trajectories + 2 filtered + 2 failed" in page.text
