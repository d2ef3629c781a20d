import dataclasses

from tasks.report.round_page import diff_page, round_line

DIFF = "--- a/loss.py\n+++ b/loss.py\n@@ -1 +1 @@\n-loss = plain()\n+loss = focal('<script>alert(1)</script>')\n"


def test_a_diff_is_coloured_without_any_outside_style():
    page = diff_page(DIFF)
    assert "focal" in page
    assert 'style="color' in page
    assert "<script" not in page
    assert "href" not in page


def test_the_title_of_a_diff_cannot_become_markup():
    assert "<script" not in diff_page(DIFF, title="<script>")


def test_an_empty_diff_says_so():
    assert "no change" in diff_page("")


def test_a_round_is_told_in_one_line(study_record):
    lines = [round_line(item) for item in study_record.rounds]
    assert lines[1] == (
        "Round 1, class-balanced sampling: kept (supported), validation 0.884. "
        "AUC rose by more than one standard error; supported after 8 rounds."
    )
    assert lines[3].startswith("Round 3, 64 to 96 pixels: kept (provisional), validation 0.896.")
    assert lines[4] == "Round 4, another backbone: mobilenetv3: failed. It ran out of memory."


def test_a_reason_of_many_lines_stays_one_line(study_record):
    failed = study_record.rounds[4]
    judgement = dataclasses.replace(failed.judgement, reason="Traceback\n  line 3\nValueError: no such layer")
    line = round_line(dataclasses.replace(failed, judgement=judgement))
    assert "\n" not in line
    assert line.endswith("ValueError: no such layer.")


def test_what_was_mended_on_the_way_stands_behind_the_reason_and_once_only(study_record):
    mends = ("A try failed because it ran out of memory; mended: batches of 32 images instead of 64.",)
    kept, failed = (dataclasses.replace(study_record.rounds[number], mends=mends) for number in (1, 4))
    assert round_line(kept).endswith(f"supported after 8 rounds. {mends[0]}")
    assert round_line(failed).count("memory") == 1
