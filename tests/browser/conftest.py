"""Pages to look at, and headless Chromium as the system has it; without it these tests are skipped."""

import os
import shutil
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from cai.report.page import Report, write_report

NAMES = ("chromium", "chromium-browser", "google-chrome")
HOSTILE = (
    "<script>window.hit = 1; alert(1)</script><img src='https://example.org/x' onerror='alert(2)'>"
    "<style>* { display: none }</style></style></title></svg><iframe src='javascript:alert(3)'></iframe>"
    "<svg onload='alert(4)'><a href='javascript:alert(5)'>\"&\x1b[31m\x1b]8;;http://x\x07\u202edcba\u2066\x00\ufffe "
)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory, report_folders: ModuleType) -> dict[str, Report]:
    """A page of which every text is hostile, and one of kind texts."""
    folder = tmp_path_factory.mktemp("pages")
    hostile = report_folders.write_recipe(folder / "hostile", lambda text: HOSTILE + text)
    kind = report_folders.write_recipe(folder / "kind")
    return {path.name: write_report(path, path / "report.html") for path in (hostile, kind)}


@pytest.fixture(scope="module")
def browser(reports: dict[str, Report]) -> Iterator[Any]:
    """A started browser. The pages are written before: while it is open no test can run an event loop of its own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next((found for name in NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"there is no browser here: none of {', '.join(NAMES)}")
    # Chromium has no sandbox of its own for root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()
