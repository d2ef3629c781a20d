"""Rounds against other ways to spend the same seconds of training on the same template, split and device.

    python tests/benchmarks/search.py FOLDER          # about three hours; start it again to go on where it stopped
        [--tasks melanoma seven] [--methods ours tpe random long greedy] [--seeds 0 1 2] [--seconds 360] [--trial 60]
        [--weights DIR] [--data DIR] [--report] [--figure FILE.svg]

On HAM10000, melanoma against nevus and all seven diagnoses, each method gets `--seconds` of training in trials of `--trial`:

    ours     the rounds as a study runs them: the playbook's developer, the verdict by one paired standard error
    tpe      Optuna's tree-structured Parzen estimator over the recipe's parameters, the defaults first
    random   random draws from the same space, the defaults first
    long     the unedited template trained for all seconds in one run, with as many looks at validation as there are trials
    greedy   five drafts, each with one to four techniques of our catalogue drawn at random, then random techniques on the
             best, kept on any better validation value: the search of AIDE (Jiang et al., 2025) without its language model

The budget is counted in CPU seconds of one thread, for all methods alike: the template is copied with its clock exchanged, so
that a busy machine makes a run last longer, not learn less. On an idle machine the two agree. Images are decoded at the
usual sizes before any budget begins. Validation and test images are predicted outside of the budget.

The unedited template, trained for one trial, is trained once for a task and a seed: it is what gains are measured against,
round 0 of ours and the first trial of tpe and random, and its seconds count in each. The test images are a holdout by
lesion that lies apart; they are predicted when a cell (task, method, seed) has made all its choices. Intervals come from
resampling the holdout's lesions, with the same draws for all methods and seeds: they say how far the result may hang on
the test images, and nothing of what other seeds would have brought, so each seed's own values are printed as well.

Several processes may be started on one folder: each takes cells that no other is at. Printed are tables and, last, one line
of JSON; `--report` prints what is finished and trains nothing.
"""

from __future__ import annotations

import sys
from pathlib import Path

# The benchmark's modules lie in a folder of the same name beside this file; the packages lie two folders up.
sys.path[:1] = [str(Path(__file__).parent / "search"), str(Path(__file__).resolve().parents[2])]

from search_benchmark import main  # noqa: E402  found in the folder named above

if __name__ == "__main__":
    sys.exit(main())
