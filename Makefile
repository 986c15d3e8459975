# `make help` lists the commands. All paths are relative, and every tool runs as `python -m`: a
# checkout may lie under a path with spaces.

PYTHON ?= python3
PY := .venv/bin/python

# A kernel runs in this environment, whatever else the user's Jupyter knows.
export JUPYTER_PREFER_ENV_PATH := 1
unexport JUPYTER_PATH
# A waiting thread should sleep: wdlib/__init__.py gives the reason.
export OMP_WAIT_POLICY := PASSIVE

RECORDS := kills hostile versions onecore elsewhere scaling drawing

.DEFAULT_GOAL := help
.PHONY: help install tour test notebooks lint lab site student slides address weights \
	tables report records $(RECORDS) clean

help: ## list these commands
	@sed -n 's/^\([a-z0-9]*\):.*## /  make \1\t/p' Makefile | expand -t 20
	@echo "Single records: make $(RECORDS)" | fold -s -w 99

install: .venv/.installed ## create .venv and install wdlib there, once

.venv/.installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "wdlib needs Python 3.11+")'
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet -c constraints.txt -e ".[notebooks,site,tests]"
	@touch $@

tour: install ## train a model and evaluate it: a table here, figures in build/tour.html
	@mkdir -p build && rm -f build/tour.*
	WDLIB_REPORT="$$PWD/build/tour.txt" $(PY) -m nbconvert --execute --to notebook \
		--KernelManager.transport_encryption=auto \
		--output-dir build --output tour notebooks/00_tour.ipynb
	$(PY) -m wdlib.course.pages build/tour.ipynb build/tour.html
	@cat build/tour.txt
	@echo "Figures: build/tour.html"

# Library and notebooks run side by side, one core each: a run takes as long as the longer of the two.
PYTEST := $(PY) -m pytest --nbval-lax --nbval-current-env -p tests.notebook_memory
test: install ## run the whole test suite, with every notebook
	@mkdir -p build
	$(PYTEST) notebooks > build/notebooks.txt 2>&1 & notebooks=$$!; \
	$(PYTEST) tests; library=$$?; \
	wait $$notebooks; notebooks=$$?; cat build/notebooks.txt; \
	exit $$((library | notebooks))

NOTEBOOKS := notebooks
notebooks: install ## run the notebooks alone (one: NOTEBOOKS=FILE); print seconds and memory of each
	$(PYTEST) $(NOTEBOOKS)

lint: install ## check style and formatting
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

lab: install ## open JupyterLab on the notebooks
	$(PY) -m jupyterlab notebooks

site: install ## build the course site: build/site/index.html
	$(PY) -m wdlib.course.site build

student: install ## write the notebooks without solutions and outputs: build/student/
	$(PY) -m wdlib.course.student

slides: install ## write slides of every notebook: build/slides/
	$(PY) -m wdlib.course.slides

URL :=
address: install ## write your address everywhere: make address URL=https://github.com/me/wdlib
	$(PY) -m wdlib.course.address "$(URL)"

SHIPPED := dSprites.v2 dSprites.v3 dSprites.v4 Shapes3D.v2 Shapes3D.v3 Shapes3D.v5
# Run nothing else meanwhile: threads that spin then train a seventh faster.
weights: export OMP_WAIT_POLICY := ACTIVE
weights: install ## train and measure the six models that wdlib ships; resumes (an hour)
	for task in $(SHIPPED); do \
		$(PY) -m wdlib train $$task --out build/weights/$$task \
			$$([ ! -e build/weights/$$task/checkpoint.json ] || echo --resume) || exit 1; \
	done
	$(PY) -m wdlib ship $(SHIPPED:%=build/weights/%)

# Each cell takes one thread; a run resumes where it stopped. Tables 1 and 2 are the paper's.
TABLES := pace 1 2 long labels unseen ablations published
WORKERS := 2
tables: install ## measure what the result files lack (days; one of them: TABLES=labels)
	for name in $(TABLES); do \
		file=$$(echo $$name | sed 's/^[0-9]/table&/'); \
		$(PY) -m wdlib table $$name --workers $(WORKERS) --folder build/$$file \
			--csv notebooks/results/$$file.csv || exit 1; \
	done

report: install ## write the results page, the figures and README's table from the result files
	$(PY) -m wdlib report

# A record in notebooks/results is what its test program printed. It is replaced when the program
# has ended, whatever its exit code, which make passes on.
KILLS := 100
FILES := 20000
PYTHONS := 3.11 3.12 3.13
CORE := 0
kills: OPTIONS := --kills $(KILLS)
hostile: OPTIONS := --files $(FILES)
versions: OPTIONS := --pythons $(PYTHONS)
onecore: ON := $(if $(shell command -v taskset 2>/dev/null),taskset -c $(CORE),env OMP_NUM_THREADS=1)
scaling: ON := env OMP_NUM_THREADS=1
records: $(RECORDS) ## repeat every robustness record on a machine that does nothing else (hours)

$(RECORDS): install
	@mkdir -p build notebooks/results
	@rm -f build/$@.exit; \
		{ $(ON) $(PY) tests/$@.py $(OPTIONS); echo $$? > build/$@.exit; } 2>&1 | tee build/$@.txt
	@code=$$(cat build/$@.exit) && mv build/$@.txt notebooks/results/$@.txt && exit $$code

clean: ## remove everything that make built, .venv too
	rm -rf build .venv
