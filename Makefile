# `make help` lists the targets. Each target that runs something first creates .venv if necessary.

# The first interpreter of this list that runs. `make setup PYTHON=/path/to/python` selects another.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$name -c 'import sys; print(sys.executable)' 2>/dev/null && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
MDHR := $(VENV)/bin/mdhr
INSTALLED := $(VENV)/.installed
SOURCES := src tests notebooks benchmarks docs
PYTEST := $(RUN) -m pytest -n auto --maxprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow test-all faults lint docs parity figure-1 figure-2 table-3 table-4 table-5 table-6 me-graphau report app bench bench-gpu test-gpu transfer shipped-model pretrain pretrain-general clean

help:  ## list the targets
	@grep -hE '^[a-z0-9%-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9%-]+):[^#]*## */\1	/' | expand -t 14

setup: $(INSTALLED)  ## create the virtual environment .venv

# torch is installed first and alone, so that no other package chooses its version.
$(INSTALLED): pyproject.toml constraints.txt
	@$(if $(PYTHON),,echo "No Python found. Install Python 3.11 or later, or run: make setup PYTHON=/path/to/python" >&2; exit 2)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(PYTHON) is not Python 3.11 or later. Run: make setup PYTHON=/path/to/python" >&2; exit 2; }
	@$(RUN) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV). This takes some minutes, because torch is large."
	$(RUN) -m pip install --quiet --constraint constraints.txt torch torchvision
	$(RUN) -m pip install --quiet --constraint constraints.txt --editable '.[dev,docs,tensorboard,workspaces,launchers,export,app]'
	@touch $@

demo: setup  ## render faces, train, test and plot; VIDEO=my.mp4 scores your video at the end
	$(MDHR) demo $(if $(value VIDEO),'video=$(subst ','\'',$(value VIDEO))')

# The file name may contain dollar signs, which are no references to variables of make.
unexport VIDEO

test: setup  ## run the tests, except those marked slow
	$(PYTEST) -m "not slow"

test-slow: setup  ## run the tests marked slow
	$(PYTEST) -m slow

test-all: setup  ## run all tests and measure their coverage
	$(PYTEST) --cov=mdhr --cov-report=term:skip-covered --cov-fail-under=92

faults: setup  ## kill, fill and fuzz: the long fault-injection suite; 22 minutes
	MDHR_FAULT_TRIALS=$(or $(TRIALS),15) MDHR_FUZZ_EXAMPLES=650 $(PYTEST) tests/faults

test-gpu: setup  ## run the tests of accelerators; those marked gpu require a CUDA device
	$(RUN) -m pytest tests/gpu

lint: setup  ## check style, format and types
	$(RUN) -m ruff check $(SOURCES)
	$(RUN) -m ruff format --check $(SOURCES)
	$(RUN) -m mypy

docs: setup  ## build the documentation into site/; warnings are errors
	rm -rf docs/api/generated site
	$(RUN) -m sphinx --quiet --fail-on-warning --keep-going docs site

parity: setup  ## compare our networks with outputs of the released code; MDHR_PARITY=folder for others
	$(MDHR) parity

data-%: setup  ## prepare the data set conf/data/%.yaml, such as data-synthetic
	$(MDHR) prepare data=$*

check-%: setup  ## list the problems of a release and its prepared form, such as check-bp4d
	$(MDHR) check data=$*

train-%: setup  ## train and test every fold of an experiment, such as train-demo; PROTOCOL=paper
	$(MDHR) cross-validate experiment=$(subst -,_,$*) $(if $(PROTOCOL),data.protocol=$(PROTOCOL))

# Label statistics of the data set DATA, which is prepared first if necessary.
labels = $(MDHR) label-figures data=$(or $(DATA),$(1)) 'out=experiments/$@/$${data.name}' $(SETTINGS)

figure-1: setup  ## Figure 1: label distribution with BP4D's action units; DATA=bp4d for real labels
	$(call labels,synthetic)

figure-2: setup  ## Figure 2: label distribution with DISFA's action units; DATA=disfa for real labels
	$(call labels,synthetic_disfa)

# Tables of runs: prepare the data set, run what is missing, then write the table, even if jobs failed (status 3).
# Variables: DATA=bp4d, SEEDS=1,2,3, PROTOCOL=paper, LAUNCHER=joblib, EXPERIMENT=recipe, RUNS=folder,
# SETTINGS="setting=value ..." (docs/reproduce.md).
data = $(or $(DATA),synthetic_bench)
recipe_synthetic_bench := synthetic_small_resnet
recipe_synthetic_bench_25fps := synthetic_small_resnet
recipe_synthetic_bench_24 := synthetic_small_resnet
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

table-3: setup  ## Table 3: F1 over k; DATA=bp4d, SEEDS=1,2,3, ... (docs/reproduce.md)
	$(prepare)
	$(call sweep,table_3)
	$(call table,3)

table-4: setup  ## Table 4: F1 over lambda, the weight of the auxiliary loss
	$(prepare)
	$(call sweep,table_4)
	$(call table,4)

table-6: setup  ## Table 6: MDHR and its ablated variants with paired t-tests
	$(prepare)
	$(call sweep,table_6)
	$(call sweep,table_6,network=mdhr module.region_weight=0)
	$(call table,6)

me-graphau: setup  ## ME-GraphAU (stages 1 and 2) against MDHR with paired t-tests
	$(prepare)
	$(call sweep,me_graphau)
	$(call sweep,me_graphau_stage2)
	$(call table,me_graphau)

# Tests finished transfer runs again on the people of each head model, whose statistics replace those of batch normalization.
define adapt
for metrics in runs/study/synthetic_general-honest/*-seed*/metrics.json; do run=$${metrics%/*}; for group in anny ict; do \
	test -f $$run/adapted-$$group/metrics.json || $(MDHR) evaluate run=$$run out=$$run/adapted-$$group \
	test_suffix=-$$group adapt_batch_norm=true || exit; done; done
endef

transfer: setup  ## train on one head model, test on the other; SEEDS=1,2,3, NETWORKS=mdhr,backbone_only
	$(MDHR) prepare data=synthetic_general if_missing=true
	for suffix in -anny -ict ''; do $(MDHR) store-features experiment=general data.module.train_suffix=$$suffix || exit; done
	$(MDHR) train -m 'experiment=[general,transfer]' $(if $(NETWORKS),network=$(NETWORKS)) $(if $(SEEDS),seed=$(SEEDS)) \
		$(if $(LAUNCHER),hydra/launcher=$(LAUNCHER)) $(SETTINGS) || test $$? -eq 3
	$(adapt)
	$(MDHR) table table=transfer data=synthetic_general \
		"command='$(strip make transfer $(foreach name,SEEDS NETWORKS,$(if $($(name)),$(name)=$($(name)))))'"

shipped-model: setup  ## train the model that is part of the package and replace it
	$(MDHR) prepare data=synthetic_general_144 if_missing=true
	$(MDHR) train experiment=shipped_model trainer.precision=32-true run_dir=runs/shipped_model ckpt_path=auto
	rm -rf src/mdhr/inference/shipped_model
	$(MDHR) export runs/shipped_model --out src/mdhr/inference/shipped_model
	cat experiments/shipped-model/results.md >> src/mdhr/inference/shipped_model/README.md

app: setup  ## serve the local web page for your videos; MODELS=folder for your models
	$(MDHR) app --open $(if $(MODELS),--models $(MODELS))

report: setup  ## write all runs and tables to one page, report/index.html
	$(MDHR) report

table-5: setup  ## Table 5: parameters, multiply-adds, time and memory; nine minutes
	$(MDHR) table table=5 out=experiments/table-5 command='make table-5'

bench: setup  ## compare speed and memory with the plain reference; a quarter of an hour
	$(RUN) benchmarks/bench.py

bench-gpu: setup  ## measure networks and training on this GPU; hours with all rows; OPTIONS="--networks ResNet-50 ..."
	$(RUN) benchmarks/gpu.py $(OPTIONS)

pretrain: setup  ## pretrain the backbone of the tables on rendered frames; half an hour, resumes
	$(MDHR) pretrain

# Three backbones: experiment=general starts from general.safetensors, and `make transfer` also from those that have seen
# one head model only.
pretrain_general = $(MDHR) pretrain bank.root=data/bank_general bank.style=general
pretrain-general: setup  ## pretrain on one and on both head models in the general style; 1.5 hours, resumes
	$(pretrain_general) 'bank.heads=[anny,ict]' bank.num_identities=2000 trainer.max_epochs=16 run_dir=runs/pretrain_general \
		weights=experiments/pretrain/general.safetensors
	for head in anny ict; do $(pretrain_general) "bank.heads=[$$head]" bank.num_identities=1000 trainer.max_epochs=8 \
		run_dir=runs/pretrain_general-$$head weights=experiments/pretrain/general-$$head.safetensors || exit; done

clean:  ## delete .venv; data and runs are kept
	rm -rf $(VENV)
