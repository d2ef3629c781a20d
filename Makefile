# Two commands do everything on a fresh machine with Python >= 3.11, git and make:
#   make demo   the main job on made-up data: a request becomes a tested model, with its report
#   make test   all tests that need no service
PYTHON ?= python3
VENV := .venv
READY := $(VENV)/.ready
RUN := $(VENV)/bin

.PHONY: demo test test-all check ui clean

demo: $(READY)
	$(RUN)/rounds demo

test: $(READY)
	$(RUN)/python -m pytest

# Also what needs a Prefect server (started by the tests), bubblewrap or Docker; what is not installed is skipped and says why.
test-all: $(READY)
	$(RUN)/python -m pytest -m "not gpu"

check: $(READY)
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports

# The studies of the demo in the user interfaces of MLflow (http://127.0.0.1:5000) and Prefect (http://127.0.0.1:4200); Ctrl-C ends both.
STUDIES ?= demo/studies
ui: $(READY)
	@trap 'kill 0' INT TERM EXIT; \
	MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(RUN)/mlflow server --host 127.0.0.1 --port 5000 \
	  --backend-store-uri sqlite:///$(abspath $(STUDIES))/mlflow.db --default-artifact-root $(abspath $(STUDIES))/mlartifacts & \
	PREFECT_SERVER_ANALYTICS_ENABLED=false $(RUN)/prefect server start --host 127.0.0.1 --port 4200 & \
	wait

$(READY): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Rounds needs Python >= 3.11, this is " + sys.version if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	$(RUN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $(READY)

clean:
	rm -rf $(VENV) demo
