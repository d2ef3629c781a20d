"""Where things are and which services are used: the only reader of the environment.

Importing this module also switches off every phone-home of the libraries, and gives Prefect's embedded server time to start;
it is therefore imported before Prefect (by the command line), and says nothing that an operator has not overruled.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tasks.domain.errors import SettingUnusable

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

for _name, _value in {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_MODEL_CATALOG_URI": "",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    # A trace is on its way to be read when it is logged: a queue would lose its end with the process.
    "MLFLOW_ENABLE_ASYNC_TRACE_LOGGING": "false",
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
    anthropic_api_key: SecretStr = Field(default=SecretStr(""), validation_alias="ANTHROPIC_API_KEY")
    """Key for the language model; at Bedrock a bearer token, at Vertex an access token, or empty for the cloud's own configuration."""
    claude_provider: Literal["anthropic", "bedrock", "vertex", "foundry"] = "anthropic"
    """Where the language model is served."""
    claude_base_url: str = ""
    """Of a gateway; empty for the provider's own."""
    claude_region: str = ""
    """For Bedrock and Vertex."""
    claude_project: str = ""
    """The Google Cloud project, or the resource at Foundry."""
    claude_model: str = "claude-opus-5-5"
    """Model of all roles that name none; its name differs from cloud to cloud."""
    claude_parser_model: str = ""
    claude_initializer_model: str = ""
    claude_developer_model: str = ""
    claude_parser_effort: str = "high"
    """`low`, `medium`, `high`; empty for the model's own default."""
    claude_initializer_effort: str = "medium"
    claude_developer_effort: str = "high"
    claude_reply_tokens: int = Field(default=32_000, ge=1_000)
    """Longest reply, thinking included."""
    claude_timeout_seconds: float = Field(default=300.0, gt=0, allow_inf_nan=False)
    """Of silence, after which a call is given up and tried again."""
    claude_prices: Path | None = None
    """TOML file with prices of models that the list in `agents/claude/prices.toml` lacks, or that cost something else here."""
    claude_study_dollars: float = Field(default=50.0, ge=0, allow_inf_nan=False)
    """Cap on what a study may cost; the request's own (`budget.dollars`) counts if it is lower."""
    claude_round_dollars: float = Field(default=5.0, ge=0, allow_inf_nan=False)
    """Cap on what the calls of one round may cost."""
    claude_study_hours: float = Field(default=24.0, ge=0, allow_inf_nan=False)
    """Cap on the time that the language model may take in a study, calls and waits together."""
    claude_round_minutes: float = Field(default=60.0, ge=0, allow_inf_nan=False)
    """The same for one round."""
    mlflow_uri: str = Field(default="", validation_alias="MLFLOW_TRACKING_URI")
    """MLflow server; empty for a SQLite file in the folder of studies."""

    @model_validator(mode="wrap")
    @classmethod
    def _said_in_words(cls, given: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return handler(given)
        except ValidationError as error:
            raise SettingUnusable("; ".join(_in_words(item) for item in error.errors())) from None

    def tracking_uri(self, studies: Path) -> str:
        """Return the MLflow tracking URI for studies that live in a folder."""
        return self.mlflow_uri or f"sqlite:///{(studies / 'mlflow.db').resolve()}"


def _in_words(error: ErrorDetails) -> str:
    """Return what is wrong with a setting, by the name of its environment variable."""
    name = str(error["loc"][0])
    variable = name if name.isupper() else f"ROUNDS_{name.upper()}"
    given = "" if isinstance(error["input"], SecretStr) or "KEY" in variable else f" {str(error['input'])[:60]!r}"
    return f"the setting {variable} cannot be{given}: {error['msg'][:1].lower()}{error['msg'][1:]}"
