# chatd from a checkout, with nothing but make and Python 3.11 or newer.
#
#   make run     install into .venv and start a server to try things out   (make run ARGS="--port 9000")
#   make test    install the development extras and run the whole suite
#   make soak    what is repeated at will, as often as a night allows (hours)
#   make fuzz    look for inputs that break something, a minute for each of five targets   (make fuzz FUZZ_SECONDS=600)
#   make check   format, lint, types
#   make web     build the pages for browsers into chatd/web/static (needs Node 20); they are committed, so no other target does
#   make lock    write docs/requirements.txt anew: what a deployment installs, with hashes
#   make clean   remove what the others made; messages in ./chatd-data stay
#
# Another Python: make run PYTHON=python3.13

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# A process that has nothing left takes over half of what another has before it: none is alone at the end.
PYTEST_ARGS ?= -q -n auto --dist worksteal

# Seconds for each target, and what they are: the HTTP head, frames and messages, payloads, a whole daemon, what payloads cost.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS := head frames packets commands costs

.PHONY: run test soak fuzz check web lock clean

run: .venv/installed
	@$(BIN)/chatd dev $(ARGS)

# Bytecode is kept, whatever the environment says: the tests start hundreds of processes, which would compile chatd anew.
test soak: export PYTHONDONTWRITEBYTECODE :=

test: .venv/installed-dev
	@$(BIN)/pytest $(PYTEST_ARGS)

# One line a subject. Seeds are printed by what fails. A test there may take hours, and says how many itself.
soak: export PYTEST_ADDOPTS := -o faulthandler_timeout=0
soak: .venv/installed-dev
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/storage/test_power_loss.py tests/storage/test_power_loss_of_files.py \
	  tests/storage/test_damage.py tests/storage/test_disk_faults.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/storage/test_unallocated.py \
	  tests/storage/test_power_loss_of_erasures.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/scenarios/test_crash.py -k kill_9_under_load
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/scenarios/test_comments.py -k those_of_the_history
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/core/test_friends_machine.py tests/simulation/test_twins.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/server/test_stopping.py tests/server/test_memory.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/server/test_graph_feed.py tests/server/test_graph_import.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/http/api/test_openapi.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/media/inspect/test_hostile.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/core/test_files.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/writer/test_screening.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/delivery tests/session
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/web/test_app_views.py tests/web/test_tabs.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/web/test_sdk.py -k "its_own_tests or random_packets"
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/conformance/test_mutants.py tests/conformance/test_faults.py \
	  tests/web/test_sdk_in_chromium.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/media/test_uploads.py tests/media/test_tus_clients.py \
		tests/media/test_power_loss.py
	SOAK=1 $(BIN)/pytest $(PYTEST_ARGS) tests/bench
	$(BIN)/python -m tests.simulation --seeds 100000

fuzz: .venv/installed-fuzz
	@for target in $(FUZZ_TARGETS); do \
	  $(BIN)/python -m tests.fuzz $$target $(FUZZ_SECONDS) || exit 1; \
	done

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

web: web/node_modules/.package-lock.json
	cd web && npm run --silent build

# npm writes this file last, so it is a stamp.
web/node_modules/.package-lock.json: web/package-lock.json
	@command -v npm >/dev/null || { \
	  echo "make web needs Node 20 or newer with npm, and there is no npm. On Debian and Ubuntu: apt install nodejs npm." \
	       "Without it everything but make web works: the built files are in chatd/web/static." >&2; exit 1; }
	cd web && npm ci --ignore-scripts --no-fund --no-audit
	@touch $@

# The tool has an environment of its own, of the oldest Python chatd runs on, so that nothing conditional is missing.
lock: | $(BIN)/python
	@$(PYTHON) -m venv --clear build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools
	@build/lock/bin/pip-compile --quiet --upgrade --generate-hashes --build-deps-for wheel --strip-extras \
	  --no-header --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
	  --output-file build/lock/requirements.txt pyproject.toml
	@{ echo "# What a deployment installs, with hashes of every file of every platform. Written by: make lock"; \
	   cat build/lock/requirements.txt; } > docs/requirements.txt

clean:
	rm -rf .venv build dist web/node_modules .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find chatd bench tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: nothing is installed again until pyproject.toml changes.

# Nothing is compiled here: pyvips, which comes as a source, is Python alone, and its library a wheel.
.venv/installed: pyproject.toml | $(BIN)/python
	@echo "Installing chatd and what it needs into .venv ..."
	@$(PIP) -e '.[push]'
	@$(PIP) --only-binary :all: -e '.[search]' 2>/dev/null || \
	  echo "There is no wheel of what searches messages for this machine: search stays off."
	@$(PIP) --only-binary :all: --no-binary pyvips -e '.[media]' 2>/dev/null || \
	  echo "There are no wheels of what opens pictures and video for this machine: both stay off or as they are sent."
	@touch $@

.venv/installed-dev: pyproject.toml | $(BIN)/python
	@echo "Installing chatd and its development tools into .venv ..."
	@$(PIP) -e '.[moderation,push,media,search,s3,dev,browser]'
	@touch .venv/installed $@

.venv/installed-fuzz: pyproject.toml | $(BIN)/python
	@echo "Installing chatd, its development tools and the fuzzer into .venv ..."
	@$(PIP) -e '.[moderation,push,media,search,s3,dev,browser,fuzz]'
	@touch .venv/installed .venv/installed-dev $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
	  echo "chatd needs Python 3.11 or newer, and there is no $(PYTHON). On Debian and Ubuntu:" \
	       "apt install python3 python3-venv. Elsewhere: https://www.python.org/downloads/" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "chatd needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Install a newer one and name it: make run PYTHON=python3.13" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments: its venv module is missing." \
	       "On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv --clear .venv || { rm -rf .venv; exit 1; }
