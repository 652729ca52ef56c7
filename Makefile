# Each of quickstart, test and benchmark sets up all it needs from nothing.
PYTHON ?= python3
BIN := .venv/bin
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: install quickstart test lint benchmark clean

install: .venv/installed

.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[all]"
	touch $@

quickstart: install
	$(BIN)/python -m benchmarks.quickstart

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

test: install
	$(BIN)/python -m pytest

benchmark: install
	$(BIN)/python -m benchmarks.accuracy --val_split=test
	$(BIN)/python -m benchmarks.quickstart
	cp quickstart/explanation.png benchmarks/results/
	$(BIN)/python -m benchmarks.latency quickstart/model.tflite quickstart/model.onnx \
	    --model=quickstart/model --data=data/grocery_mini --split=test \
	    --output=benchmarks/results/latency.json
	$(BIN)/python -m benchmarks.readme

clean:
	rm -rf .venv quickstart build dist *.egg-info
