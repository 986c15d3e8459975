# `make help` lists the commands. Every path is relative and every tool runs as `python -m`, so that
# a checkout under a path with spaces works.

PYTHON ?= python3
PY := .venv/bin/python

# Kernels are this environment's, whatever else the user's Jupyter knows.
export JUPYTER_PREFER_ENV_PATH := 1
unexport JUPYTER_PATH
# Threads that wait should sleep: wdlib/__init__.py says why.
export OMP_WAIT_POLICY := PASSIVE

.DEFAULT_GOAL := help
.PHONY: help install tour test memory threads lab student slides address weights \
	table1 long table2 pace timed labels unseen ablations published cost report kills hostile versions onecore elsewhere scaling drawing lint clean

help: ## list these commands
	@sed -n 's/^\([a-z0-9]*\):.*## /  make \1\t/p' Makefile | expand -t 20

install: .venv/.installed ## create .venv and install wdlib in it, once

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wdlib needs Python 3.11+")'
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet -c constraints.txt -e ".[notebooks,tests]"
	@touch $@

tour: install ## train from scratch and report: build/tour.html, and a table here
	@mkdir -p build && rm -f build/tour.html build/tour.txt
	WDLIB_REPORT="$$PWD/build/tour.txt" $(PY) -m nbconvert --execute --to html --template classic \
		--KernelManager.transport_encryption=auto \
		--output-dir build --output tour notebooks/00_tour.ipynb
	@cat build/tour.txt
	@echo "Figures: build/tour.html"

# Library and notebooks side by side, each on one core: a run takes as long as the longer of the two.
PYTEST := $(PY) -m pytest --nbval-lax --nbval-current-env -p tests.notebook_memory
test: install ## run the whole test suite, every notebook included
	@mkdir -p build
	$(PYTEST) notebooks > build/notebooks.txt 2>&1 & notebooks=$$!; \
	$(PYTEST) tests; library=$$?; \
	wait $$notebooks; notebooks=$$?; cat build/notebooks.txt; \
	exit $$((library | notebooks))

NOTEBOOKS := notebooks
memory: install ## run the notebooks, and tell how much memory each one's kernel took at most
	$(PYTEST) $(NOTEBOOKS)

threads: install ## run the notebooks with one thread and with two: both must say the same
	for threads in 1 2; do \
		OMP_NUM_THREADS=$$threads OPENBLAS_NUM_THREADS=$$threads \
			$(PY) -m pytest --nbval-lax --nbval-current-env $(NOTEBOOKS) || exit 1; \
	done

lab: install ## open JupyterLab on the notebooks
	$(PY) -m jupyterlab notebooks

student: install ## write the notebooks without solutions and outputs: build/student/
	$(PY) -m wdlib.course.student

slides: install ## write slides of every notebook: build/slides/
	$(PY) -m wdlib.course.slides

URL :=
address: install ## write the address everywhere: make address URL=https://github.com/me/wdlib
	$(PY) -m wdlib.course.address "$(URL)"

SHIPPED := dSprites.v2 dSprites.v3 dSprites.v4 Shapes3D.v2 Shapes3D.v3 Shapes3D.v5
# Nothing else should run meanwhile: threads that spin then train a seventh faster.
weights: export OMP_WAIT_POLICY := ACTIVE
weights: install ## train and measure the weights that wdlib ships; goes on where it was stopped
	for task in $(SHIPPED); do \
		$(PY) -m wdlib train $$task --out build/weights/$$task \
			$$([ ! -e build/weights/$$task/checkpoint.json ] || echo --resume) || exit 1; \
	done
	$(PY) -m wdlib ship $(SHIPPED:%=build/weights/%)

# The experiments behind notebooks/results. Each goes on where it was stopped, WORKERS cells at once,
# one thread each.
WORKERS := 2
experiment = $(PY) -m wdlib table $(1) --workers $(WORKERS) --folder build/$@ \
	--csv notebooks/results/$@.csv

table1: install ## all six tasks, three seeds (hours)
	$(call experiment,1)

long: install ## ours with two and a half times the steps, where they gain (hours)
	$(call experiment,long)

table2: install ## every method on two tasks, three seeds (hours)
	$(call experiment,2)

pace: install ## how many steps each method of table 2 takes in 240 s of one core (hours)
	$(call experiment,pace)

timed: install ## table 2 by the clock of one core, 480 s a cell, in place of steps (hours)
	$(call experiment,2) --seconds 480

labels: install ## accuracy with 50 to 1000 labels (hours)
	$(call experiment,labels)

unseen: install ## a fifth of the combinations never seen (hours)
	$(call experiment,unseen)

ablations: install ## what each part of the recipe buys (hours)
	$(call experiment,ablations)

published: install ## three baselines in their publications' settings (hours)
	$(call experiment,published)

cost: install ## what training costs, on one core (at most 40 minutes): notebooks/results/cost.csv
	OMP_NUM_THREADS=1 $(PY) -m wdlib.experiments.cost --minutes 15 --csv notebooks/results/cost.csv

report: install ## render the results page and the figures from the result files
	$(PY) -m wdlib report

# What these seven print stays in notebooks/results, once it is finished; a failure keeps its exit code.
define recorded
@mkdir -p build notebooks/results
@rm -f build/$@.exit; { $(1); echo $$? > build/$@.exit; } 2>&1 | tee build/$@.txt
@code=$$(cat build/$@.exit) && mv build/$@.txt notebooks/results/$@.txt && exit $$code
endef

KILLS := 100
kills: install ## kill training, grids, caches and savers KILLS times each; nothing may be lost
	$(call recorded,$(PY) tests/kills.py --kills $(KILLS))

FILES := 20000
hostile: install ## read FILES damaged files of every kind; each is refused or read right
	$(call recorded,$(PY) tests/hostile.py --files $(FILES))

PYTHONS := 3.11 3.12 3.13
versions: ## try the lowest and the newest versions that pyproject.toml allows; takes GBs of disk
	$(call recorded,$(PYTHON) tests/versions.py --pythons $(PYTHONS))

CORE := 0
ONECORE := $(if $(shell command -v taskset 2>/dev/null),taskset -c $(CORE),env OMP_NUM_THREADS=1)
onecore: install ## run the tour on one core: at most 10 minutes, and 1 GB for its kernel
	$(call recorded,$(ONECORE) $(PY) tests/onecore.py)

scaling: install ## one worker process against two, on a machine that does nothing else
	$(call recorded,OMP_NUM_THREADS=1 $(PY) tests/scaling.py)

drawing: install ## how fast images are drawn, on a machine that does nothing else
	$(call recorded,$(PY) tests/drawing.py)

elsewhere: install ## make Colab's and Binder's environments here, and begin every notebook in them
	$(call recorded,$(PY) tests/elsewhere.py)

lint: install ## check style and formatting
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

clean: ## remove everything that make built, the environment included
	rm -rf build .venv
