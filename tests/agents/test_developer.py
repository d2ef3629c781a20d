"""The developer's protocol: hashes of code, and the scripted developer."""

from agents.developer import Developer, ScriptedDeveloper, code_sha256
from tasks.domain.round import Hypothesis, Proposal


def test_the_hash_of_code_ignores_the_order_of_files_and_nothing_else():
    files = {"a.py": "x = 1\n", "b.py": "y = 2\n"}
    assert code_sha256(files) == code_sha256(dict(reversed(files.items())))
    others = [
        {"a.py": "x = 1\n"},
        {"a.py": "x = 1", "b.py": "y = 2\n"},
        {"a.py": "y = 2\n", "b.py": "x = 1\n"},
        {"a.py": "x = 1\n", "c.py": "y = 2\n"},
        {"a.pyx = 1\n": "", "b.py": "y = 2\n"},
    ]
    assert len({code_sha256(files), *(code_sha256(other) for other in others)}) == 6


def test_the_scripted_developer_follows_its_script_and_then_has_nothing_left():
    proposals = [
        Proposal(hypothesis=Hypothesis(title=title, technique=title), files={"a.py": title}) for title in ("one", "two")
    ]
    developer: Developer = ScriptedDeveloper(proposals)
    assert [developer.propose(briefing) for briefing in ("b1", "b2", "b3")] == [*proposals, None]
    assert developer.briefings == ["b1", "b2", "b3"]
