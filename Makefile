# Each of quickstart, test and benchmark sets up all it needs from nothing.
PYTHON ?= python3
BIN := .venv/bin
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: install quickstart test test_heavy test_pages test_zoo reliability fuzz test_beam test_demo test_backends docs lint benchmark clean

install: .venv/installed

.venv/installed: setup.cfg pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[all]"
	touch $@

quickstart: install
	$(BIN)/python -m tools.quickstart

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Two processes; each takes whole groups of tests, which share what they set up.
WORKERS ?= 2

# A thread a process: two that share two cores would get into each other's way.
ONE_THREAD = OMP_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
PYTEST = $(ONE_THREAD) $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder

test: install
	$(PYTEST)

# Runs that are killed and repeated, benchmarks as a user runs them, the largest networks.
test_heavy: install
	$(PYTEST) -m heavy

# Runs every code block of docs/, the tutorials from beginning to end.
test_pages: install
	$(PYTEST) -m pages tests/docs

# Runs every network from the classifier to the file, for hours; one at a time, since the largest
# ones take most of the memory.
test_zoo: install
	$(ONE_THREAD) $(BIN)/python -m pytest -m zoo tests/benchmarks/test_zoo_study.py

# Runs the whole suite and writes the table of docs/reliability.md from what its tests noted.
reliability: install
	$(PYTEST) --reliability=benchmarks/results/reliability.json -m "not pages and not zoo"
	$(BIN)/python -m tools.readme_tables

fuzz: install
	$(BIN)/python -m pytest tests/fuzz --fuzz

# An environment of its own: constraints.txt, with what constraints-NAME.txt says otherwise.
EXTRAS_beam = cpu,train,lite,beam,dev
EXTRAS_demo = cpu,train,lite,demo,dev
EXTRAS_docs = docs
EXTRAS_backends = cpu,train,lite,backends,dev
.venv-%/installed: setup.cfg pyproject.toml constraints.txt constraints-%.txt
	$(PYTHON) -m venv .venv-$*
	awk -F== '!seen[tolower($$1)]++' constraints-$*.txt constraints.txt > .venv-$*/constraints.txt
	.venv-$*/bin/pip install --quiet --constraint .venv-$*/constraints.txt --editable ".[$(EXTRAS_$*)]"
	touch $@

test_beam: .venv-beam/installed
	.venv-beam/bin/python -m pytest tests/retrieval/test_beam.py tests/retrieval/test_job.py \
	    tests/mains/test_beam_main.py

test_demo: .venv-demo/installed
	.venv-demo/bin/python -m pytest tests/demo tests/mains/test_demo_main.py

# A warning is an error. Open docs/_build/index.html.
docs: .venv-docs/installed
	rm -rf docs/_build
	.venv-docs/bin/sphinx-build --quiet --fail-on-warning --keep-going --nitpicky \
	    --conf-dir docs . docs/_build

test_backends: .venv-backends/installed
	$(ONE_THREAD) .venv-backends/bin/python -m pytest tests/backends tests/layers/test_backends.py

benchmark: install
	$(BIN)/python -m benchmarks.accuracy --val_split=test --photographs=1,5,10,20 --groups=none
	$(BIN)/python -m benchmarks.sessions
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m tests.faults
	$(BIN)/python -m benchmarks.layers
	$(BIN)/python -m tools.quickstart
	cp quickstart/explanation.png benchmarks/results/
	$(BIN)/python -m benchmarks.latency quickstart/model.tflite quickstart/model.onnx \
	    --model=quickstart/model --data=data/grocery_mini --split=test \
	    --noeager --threads=1 --per_round=10 \
	    --output=benchmarks/results/latency.json
	$(BIN)/python -m tools.readme_tables

clean:
	rm -rf .venv .venv-beam .venv-demo .venv-docs .venv-backends docs/_build quickstart build dist *.egg-info
