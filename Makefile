# All set-up happens here: a bare machine needs Python 3.11, pip and make.
PYTHON ?= python3.11
BIN := .venv/bin
PLUGINS := $(wildcard plugins/*/pyproject.toml)

.PHONY: demo test docs clean

.venv/ready: pyproject.toml constraints.txt $(PLUGINS)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --constraint constraints.txt pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt \
		--group dev --editable '.[report,testing,web]' $(foreach plugin,$(PLUGINS),--editable $(dir $(plugin)))
	touch $@

demo: .venv/ready
	$(BIN)/crmkit demo

test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coverage run -m pytest
	$(BIN)/coverage report

docs: .venv/ready
	$(BIN)/zensical build --clean --strict

clean:
	rm -rf .venv build dist site .coverage
