"""Runs a job as an ordinary process of this machine.

It limits, it does not isolate: the job has the rights of the caller, sees the caller's files and has network. Only for
code that Rounds itself ships (the playbook's).
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tasks.sandbox.supervision import LAUNCHER, launch_command, supervise
from tasks.sandbox.surroundings import check_binds, environment_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tasks.domain.sandboxing import Completed, Job


class LocalSandbox:
    """Runs jobs without isolation; limits, log and clean-up are the same as in the real sandboxes."""

    name = "local"
    isolates = False

    def run(self, job: Job, on_line: Callable[[str], None] = lambda _: None) -> Completed:
        """Run a job to its end or its limits, and clean up after it.

        Raises:
            ValueError: A bind is missing, a link, or named twice.
        """
        check_binds(job)
        places = {bind.name: os.fspath(bind.source.resolve()) for bind in job.binds}
        with tempfile.TemporaryDirectory(prefix="rounds-job-", ignore_cleanup_errors=True) as home:
            path = os.pathsep.join([os.fspath(Path(sys.executable).parent), "/usr/local/bin", "/usr/bin", "/bin"])
            environment = environment_of(job, places=places, home=home, path=path)
            command = launch_command(job.command, job.limits, launcher=os.fspath(LAUNCHER), supervise=True)
            return supervise(command, job, environment=environment, on_line=on_line)
