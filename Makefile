# `make help` lists what can be done here. Every target that runs something sets up .venv first, once.

# The first of these that runs here; say `make setup PYTHON=/path/to/python` for another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3; do \
	$$name -c 'import sys; print(sys.executable)' 2>/dev/null && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
MDHR := $(VENV)/bin/mdhr
INSTALLED := $(VENV)/.installed
SOURCES := src tests notebooks benchmarks

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint parity figure-1 figure-2 table-3 table-4 table-5 table-6 me-graphau report app bench pretrain clean

help:  ## what can be done here
	@grep -hE '^[a-z0-9%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9%-]+):[^#]*## */\1	/' | expand -t 14

setup: $(INSTALLED)  ## the virtual environment .venv with everything in it

# torch first and alone: nothing else may choose its version.
$(INSTALLED): pyproject.toml constraints.txt
	@$(if $(PYTHON),,echo "no Python found: install Python 3.11, or name one: make setup PYTHON=/path/to/python" >&2; exit 2)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || \
		{ echo "$(PYTHON) is not Python 3.11 or 3.12: name one with make setup PYTHON=/path/to/python" >&2; exit 2; }
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@echo "installing into $(VENV): minutes, as torch is large"
	$(RUN) -m pip install --quiet --constraint constraints.txt torch torchvision
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[dev,tensorboard,workspaces,launchers,export,app]'
	@touch $@

demo: setup  ## render faces, train, evaluate, draw; VIDEO=my.mp4 to score a video of yours at its end
	$(MDHR) demo $(if $(VIDEO),"video='$(VIDEO)'")

test: setup  ## every test, a process a core, and how much of src they ran
	$(RUN) -m pytest -n auto --maxprocesses 4 --dist worksteal --cov=mdhr --cov-report=term:skip-covered

lint: setup  ## style, format and types
	$(RUN) -m ruff check $(SOURCES)
	$(RUN) -m ruff format --check $(SOURCES)
	$(RUN) -m mypy

parity: setup  ## our networks against the golden numbers of the released code in the folder MDHR_PARITY
	$(MDHR) parity

data-%: setup  ## prepare the data set conf/data/%.yaml, such as data-synthetic
	$(MDHR) prepare data=$*

check-%: setup  ## everything that is wrong with the release and the prepared form of a data set, such as check-bp4d
	$(MDHR) check data=$*

train-%: setup  ## three folds of an experiment and their table, such as train-demo; PROTOCOL=paper for the other protocol
	$(MDHR) cross-validate experiment=$(subst -,_,$*) $(if $(PROTOCOL),data.protocol=$(PROTOCOL))

# Tables and pictures of the labels of the data set DATA, prepared first where it is not.
labels = $(MDHR) label-figures data=$(or $(DATA),$(1)) 'out=experiments/$@/$${data.name}' $(SETTINGS)

figure-1: setup  ## how often BP4D's action units are active: in rendered faces, or DATA=bp4d
	$(call labels,synthetic)

figure-2: setup  ## the same for DISFA's action units: in rendered faces, or DATA=disfa
	$(call labels,synthetic_disfa)

# Tables of runs: prepare the data set, run what is missing, then make the table, also where jobs failed (status 3).
# DATA=bp4d or disfa instead of rendered faces, SEEDS=1,2,3, PROTOCOL=paper, LAUNCHER=joblib, EXPERIMENT=another recipe,
# RUNS=folder for its runs, SETTINGS=any.setting=value for them.
data = $(or $(DATA),synthetic_96)
recipe_synthetic_96 := synthetic_small_resnet
recipe_bp4d := bp4d_resnet50
recipe_disfa := disfa_resnet50
recipe = $(or $(EXPERIMENT),$(recipe_$(data)),demo)
protocol = $(if $(PROTOCOL),data.protocol=$(PROTOCOL))
define prepare
$(MDHR) prepare data=$(data) if_missing=true \
	$(filter data.root=% data.prepared=% data.prepare.% data.release.% data/detector=%,$(SETTINGS))
$(MDHR) store-features experiment=$(recipe) data=$(data) $(SETTINGS)
endef
sweep = $(MDHR) train -m 'experiment=[$(recipe),$(1)]' data=$(data) $(protocol) $(if $(SEEDS),seed=$(SEEDS)) \
	$(if $(LAUNCHER),hydra/launcher=$(LAUNCHER)) $(if $(RUNS),hydra.sweep.dir=$(RUNS)) $(2) $(SETTINGS) || test $$? -eq 3
table = $(MDHR) table table=$(1) data=$(data) $(protocol) $(if $(RUNS),runs=$(RUNS)) "command='$(strip make $@ \
	DATA=$(data) $(foreach name,PROTOCOL SEEDS EXPERIMENT,$(if $($(name)),$(name)=$($(name)))) \
	$(if $(SETTINGS),SETTINGS=\"$(SETTINGS)\"))'"

table-3: setup  ## Table 3: F1 over k, three folds; DATA=bp4d, SEEDS=1,2,3, ...: docs/reproduce.md
	$(prepare)
	$(call sweep,table_3)
	$(call table,3)

table-4: setup  ## Table 4: F1 over lambda, the weight of the region patterns; the same settings
	$(prepare)
	$(call sweep,table_4)
	$(call table,4)

table-6: setup  ## Table 6: the network and its ablated variants with paired tests, seeds 1,2,3; the same settings
	$(prepare)
	$(call sweep,table_6)
	$(call sweep,table_6,network=mdhr module.region_weight=0)
	$(call table,6)

me-graphau: setup  ## ME-GraphAU against MDHR with paired tests, seeds 1,2,3, stage 2 from stage 1; the same settings
	$(prepare)
	$(call sweep,me_graphau)
	$(call sweep,me_graphau_stage2)
	$(call table,me_graphau)

app: setup  ## a page on this machine: drop a video, see its action units; MODELS=folder for a model of yours
	$(MDHR) app --open $(if $(MODELS),--models $(MODELS))

report: setup  ## everything in runs/ and experiments/ as one page, report/index.html, and what is missing
	$(MDHR) report

table-5: setup  ## Table 5: parameters, multiply-adds, seconds and memory of every network; nine minutes
	$(MDHR) table table=5 out=experiments/table-5 command='make table-5'

bench: setup  ## ours against the plainly written reference, a quarter of an hour; exit status 1 where a target is missed
	$(RUN) benchmarks/bench.py

pretrain: setup  ## the demo's backbone from rendered frames: half an hour, and goes on where it was stopped
	$(MDHR) pretrain

clean:  ## forget .venv; data and runs stay
	rm -rf $(VENV)
