import os
from pathlib import Path

from tasks.report.report import render_report


def test_look(study_record):
    page = render_report(study_record)
    if folder := os.environ.get("ROUNDS_SHOW"):
        (Path(folder) / "report.html").write_text(page, encoding="utf-8")
