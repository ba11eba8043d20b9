# All set-up happens here: a bare machine needs Python 3.11, pip and make.
PYTHON ?= python3.11
BIN := .venv/bin
PLUGINS := $(wildcard plugins/*/pyproject.toml)

.PHONY: demo test oldest bench bench-plugins torture clock docs clean mutants starters api

.venv/ready: pyproject.toml constraints.txt $(PLUGINS)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--group dev --editable '.[report,testing,web]' $(foreach plugin,$(PLUGINS),--editable $(dir $(plugin)))
	touch $@

demo: .venv/ready
	$(BIN)/crmkit demo

# The types are checked beside the tests: by itself mypy would leave all processors idle but one.
test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy & typed=$$!; \
	$(BIN)/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder --cov; tested=$$?; \
	wait $$typed || { echo "The types are wrong: mypy told above what and where."; exit 1; }; exit $$tested

# The tests once more, with the oldest releases of other packages that may be installed.
.oldest/ready: pyproject.toml tests/oldest.txt $(PLUGINS)
	$(PYTHON) -m venv .oldest
	.oldest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	.oldest/bin/python -m pip install --quiet --disable-pip-version-check --constraint tests/oldest.txt \
		--group test --editable '.[report,testing,web]' $(foreach plugin,$(PLUGINS),--editable $(dir $(plugin)))
	touch $@

oldest: .oldest/ready
	.oldest/bin/pytest --numprocesses=auto --dist=loadfile --no-loadscope-reorder

# Senders killed at random points, on SQLite and on PostgreSQL: some minutes each.
torture: .venv/ready
	$(BIN)/python tests/soak/torture.py

# A million questions on when a message may leave, each answer checked by wall clocks: some minutes.
clock: .venv/ready
	$(BIN)/python tests/soak/clock.py

# The packages that one would otherwise take get an environment of their own.
.bench/venv/ready: benchmarks/requirements.txt
	$(PYTHON) -m venv .bench/venv
	.bench/venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement benchmarks/requirements.txt
	touch $@

bench: .venv/ready .bench/venv/ready
	$(BIN)/python benchmarks/run.py --memory

# Twenty plugins beside one, fifty coming in, and what an import costs: some minutes.
bench-plugins: .venv/ready
	$(BIN)/python benchmarks/plugins.py

# Every law on every plugin that breaks one: some minutes.
mutants: .venv/ready
	cd tests && ../$(BIN)/python -m mutants

# A new plugin of every kind, built and installed as a wheel into one empty environment, passes its kit.
starters: .venv/ready
	CRMKIT_STARTERS=all $(BIN)/python -m pytest tests/test_wheel.py

# What of the public API is broken since the last tag.
api: .venv/ready
	$(BIN)/python tests/api_changes.py

docs: .venv/ready
	$(BIN)/zensical build --clean --strict

clean:
	rm -rf .venv build dist site .coverage
