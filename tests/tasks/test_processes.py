import signal

from tasks.processes import in_processes


def test_results_come_in_order_from_one_process_and_from_several(monkeypatch):
    numbers = list(range(200))
    assert in_processes(str, numbers, crashed="") == [str(number) for number in numbers]
    monkeypatch.setattr("tasks.processes._FEWEST_FOR_PROCESSES", 1)
    assert in_processes(str, numbers, crashed="", workers=2) == [str(number) for number in numbers]


def test_an_item_that_takes_its_process_down_costs_only_itself(monkeypatch):
    monkeypatch.setattr("tasks.processes._FEWEST_FOR_PROCESSES", 1)
    # Signal 0 is none; 9 cannot be caught.
    assert in_processes(signal.raise_signal, [0, 0, 9, 0, 9, 0], crashed="lost", workers=2) == [
        None, None, "lost", None, "lost", None,
    ]  # fmt: skip
