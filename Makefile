# SARVLM Desktop: `make help` lists the targets. Everything lives in .venv at the root of the repository.

SHELL := /bin/sh
BIN := .venv/bin
export PYTHON
UNAME := $(shell uname -s)

# Linux runs the window on a virtual display, with Mesa's software OpenGL
ifeq ($(UNAME),Linux)
DISPLAYED := LIBGL_ALWAYS_SOFTWARE=1 xvfb-run -a -s "-screen 0 1600x1000x24 +extension GLX"
PYTEST := $(DISPLAYED) $(BIN)/python -m pytest --no-xvfb
else
DISPLAYED :=
PYTEST := $(BIN)/python -m pytest
endif

.PHONY: help run test lint types bench shots install package clean window-packages display-packages
.DEFAULT_GOAL := help

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

run: window-packages install ## set everything up and open the window (SCENE=file opens a scene)
	@if [ "$(UNAME)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	    echo "There is no display here: run make in a desktop session, or on a virtual one: xvfb-run -a make run" >&2; \
	    exit 1; \
	fi
	@$(BIN)/sarvlm gui $(SCENE)

test: display-packages install ## set everything up and run all tests (ARGS=... goes to pytest)
	@$(PYTEST) $(ARGS)

lint: install ## ruff and the import contracts
	@$(BIN)/ruff check .
	@$(BIN)/lint-imports --no-logo

types: install ## mypy, strict
	@$(BIN)/mypy

bench: display-packages install ## the benchmarks, with their figures
	@$(PYTEST) tests/benchmarks -q -s -o python_files='bench_*.py' $(ARGS)
	@$(BIN)/python tests/benchmarks/bench_open.py
	@$(DISPLAYED) $(BIN)/python tests/benchmarks/bench_window.py

shots: display-packages install ## the pictures of the window for README and guide
	@$(DISPLAYED) $(BIN)/python tests/e2e/shots.py $(ARGS)

install: ## .venv with the project and its pinned dependencies
	@sh packaging/environment.sh dev

package: display-packages ## the program as a folder that runs without Python, in dist/
	@sh packaging/environment.sh dev,packaging
	@sh packaging/linux/build.sh

clean: ## remove what can be made again (.venv stays)
	@rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find sarvlm_app models training tests packaging -name __pycache__ -type d -prune -exec rm -rf {} +

ifeq ($(UNAME),Linux)
window-packages:
	@sh packaging/linux/system_packages.sh window

display-packages:
	@sh packaging/linux/system_packages.sh window display
else
window-packages display-packages:
	@:
endif
