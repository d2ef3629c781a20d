from __future__ import annotations

from tasks.training_log import diagnostics


def test_the_last_value_counts_and_the_first_loss_is_kept() -> None:
    log = "hello\nmetric epoch=1 loss=0.9 images_per_second=10\nnoise loss=5\nmetric epoch=2 loss=0.4\n"
    assert diagnostics(log) == {"epoch": 2.0, "loss": 0.4, "images_per_second": 10.0, "loss_first": 0.9}


def test_numbers_that_are_not_finite_or_not_numbers_are_left_out() -> None:
    assert diagnostics("metric loss=nan auc=1e999 note=abc epoch=1") == {"epoch": 1.0}


def test_a_flood_of_fields_is_capped() -> None:
    assert len(diagnostics("metric " + " ".join(f"k{i}=1" for i in range(1000)))) == 40
