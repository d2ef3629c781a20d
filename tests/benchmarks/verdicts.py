"""What five rules for keeping an edit come to: false accepts, true gain, and how much too good validation looks.

    python tests/benchmarks/verdicts.py [--studies 200] [--images 300 1000 5000] [--streams reseeded null mixed]
    python tests/benchmarks/verdicts.py --replay STUDY              # the rounds of a study folder, judged anew under every rule
    python tests/benchmarks/verdicts.py --train FOLDER              # real trainings of one code with other seeds
        [--ham10000 FOLDER] [--seconds 45] [--rounds 30]            # run it again to go on where it stopped

Simulated are studies of 30 proposals, judged on validation images of which 20 % are positive, with binormal scores whose true
AUC is known (0.85 at first). Streams: `reseeded` (nothing changes, and each candidate is an independent model, as another seed
is), `null` (nothing changes, and each candidate derives from the incumbent, as edits do) and `mixed` (60 % change nothing, 25 %
harm, 15 % help; see `verdicts/streams.py` for how much). Rules: any better value (`strict`); better by 0.0001; by one standard
error of the incumbent's own AUC (unpaired); by one paired standard error, which is Rounds' own, asked of `tasks.selection.judge`
itself; and one-sided paired p < 0.05. Printed are a table with standard errors over studies and, last, one line of JSON.

The parts: `streams.py` draws proposals, `fast_auc.py` compares many studies at once, `rules.py` holds the rules, `simulating.py`
runs them, `replaying.py` judges given predictions, `reseeding.py` trains, `verdict_drill.py` prints.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The benchmark's modules lie in a folder of the same name beside this file; the packages lie two folders up.
sys.path[:1] = [str(Path(__file__).parent / "verdicts"), str(Path(__file__).resolve().parents[2])]

from verdict_drill import main  # noqa: E402  found in the folder named above

if __name__ == "__main__":
    main()
