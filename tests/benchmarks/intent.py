"""How well requests in a clinician's words are understood: each is parsed without a key and compared with its key.

Run as `python tests/benchmarks/intent.py FILE.jsonl [--verbose] [--only ID] [--parser NAME]`. A row holds `id`, `request`,
`data_manifest`, `expected` and `minimal_pairs`. Printed are a table and, last, one line of JSON: `n` requests; `critical` the
share with every critical slot right; `grounded` the share of filled slots that rest on the request, the data, or a default that
is told; `invented` how many values rest on nothing; `clarification` the share at exactly the expected level; `false_silence` how
many that must stop did not; `over_asking` how many questions too many; `minimal_pairs` the share passed.

How each is compared is said in `intent/comparing.py`, `intent/grounding.py`, `intent/scoring.py` and `intent/staying.py`.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The benchmark's modules lie in a folder of the same name beside this file; the packages lie two folders up.
sys.path[:1] = [str(Path(__file__).parent / "intent"), str(Path(__file__).resolve().parents[2])]

from benchmark import main  # noqa: E402  found in the folder named above

if __name__ == "__main__":
    main()
