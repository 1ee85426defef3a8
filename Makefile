PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test check fuzz torture bench docs screenshots clean

# Draws the lighthouse story: headless where there is no terminal.
run: $(READY)
	@if [ -t 0 ] && [ -t 1 ]; then $(BIN)/python tui.py configs/lighthouse.toml; \
	else $(BIN)/python tui.py configs/lighthouse.toml --batch; fi

test: check
	$(BIN)/python -m pytest -n 2 --dist worksteal --durations=20

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# Feeds every reader of what strangers send thirty times as much as `make test` does, other things each time.
fuzz: $(READY)
	SFRAMES_FUZZ=30 $(BIN)/python -m pytest tests/fuzz --timeout=3600 --hypothesis-show-statistics

# Kills runs at every moment and compares what they hold once they are resumed; takes some minutes.
torture: $(READY)
	$(BIN)/python -m tests.torture

# Compares the engines, side by side; takes a quarter of an hour on two idle cores.
bench: $(READY)
	$(BIN)/python -m bench

# Rewrites what is generated from the declared options: the README's tables and the comments of configs/.
docs: $(READY)
	$(BIN)/python -m sframes_tui.option_docs

# Draws the README's pictures of the screen anew, from the running program; takes minutes.
screenshots: $(READY)
	$(BIN)/python -m docs.screenshots

$(READY): pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

clean:
	rm -rf .venv
