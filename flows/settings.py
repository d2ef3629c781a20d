"""Where things are and which services are used: the only reader of the environment.

Importing this module also switches off every phone-home of the libraries, and gives Prefect's embedded server time to start;
it is therefore imported before Prefect (by the command line), and says nothing that an operator has not overruled.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    # A server that is down must not hold a study up for minutes; what it missed is published later.
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "GIT_PYTHON_REFRESH": "quiet",
}.items():
    os.environ.setdefault(_name, _value)


class Settings(BaseSettings):
    """Settings with their environment variables (`ROUNDS_...`); every one has an embedded default."""

    model_config = SettingsConfigDict(env_prefix="ROUNDS_", frozen=True)

    studies: Path = Path("studies")
    """Folder that holds the studies."""
    state: Path = Path.home() / ".local" / "state" / "rounds"
    """Folder outside every study: the anchors of their ledgers."""
    weights: Path = Path.home() / ".cache" / "rounds" / "weights"
    """Folder of pretrained weights, one file a backbone; may be missing."""
    templates: Path = Path(__file__).resolve().parents[1] / "model_templates"
    """Folder of the model templates."""
    image: str = "rounds-sandbox:latest"
    """Container image of the Docker sandbox."""
    device: str = "auto"
    """`auto`, `cuda`, `mps` or `cpu`: where studies train."""
    gpus: str = "all"
    """`all`, or the ids of the GPUs that may be used, as `nvidia-smi` numbers them: `0,2`."""
    parallel: int = Field(default=1, ge=1)
    """How many edits are tried at the same time, each on an equal part of the machine; on GPUs at most one a GPU."""
    cpus: int = Field(default_factory=lambda: len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
    """Processors of one sandboxed run."""
    memory_gib: float = 12.0
    """Memory of one sandboxed run."""
    disk_gib: float = 20.0
    """Disk that one sandboxed run may fill."""
    grace_seconds: float = 60.0
    """Time beyond its budget that a training run has to start up and to save, before it is stopped."""
    predict_seconds: float = 1800.0
    """Wall-clock limit of one prediction run."""
    mlflow_uri: str = Field(default="", validation_alias="MLFLOW_TRACKING_URI")
    """MLflow server; empty for a SQLite file in the folder of studies."""

    def tracking_uri(self, studies: Path) -> str:
        """Return the MLflow tracking URI for studies that live in a folder."""
        return self.mlflow_uri or f"sqlite:///{(studies / 'mlflow.db').resolve()}"
