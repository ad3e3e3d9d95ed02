# MENTOR. `make help` says what there is. Every target first brings about what it needs, and only that.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
TASK ?= cable_routing
ARGS ?=
# One environment for the ROS wheels, and one for each distribution that may be sourced.
export MENTOR_VENV ?= .venv$(if $(ROS_DISTRO),-$(ROS_DISTRO))

DONE := $(MENTOR_VENV)/.setup
REQUIREMENTS := requirements.txt $(if $(ROS_DISTRO),,requirements-ros.txt)
# What a build reads. Python files are linked into the workspace, so that an edit of one needs no build.
BUILD_INPUTS = $(shell find src launch -type f -not -path '*/test/*' -not -path '*/.*' -not -path '*/__pycache__/*' \
	-not -path '*.egg-info/*' \( -not -name '*.py' -o -name setup.py -o -name '*.launch.py' \))

define HELP
MENTOR: a robot learns from camera images, on the robot itself.

  make launch [TASK=cable_routing] [ARGS="robot:=twin max_steps:=100"]
                  start a task's launch file; ARGS="--show-args" lists its arguments
  make test   [ARGS="-k runner"]    all tests; ARGS goes to pytest
  make soak   [ARGS=...]            the long variants of the tests
  make test-processors [ARGS=...]   the packages' tests as other x86-64 processors would compute them
  make bench  [ARGS="bench/x.py"]   measure speed: every script of bench/ or those named, one JSON object a line
  make lint                         ruff, mypy, hadolint, yamllint, size of files
  make format                       let ruff format and mend
  make bench-learning [TASK=...]    train MENTOR, its ablations and DrM on a task (many hours; resumes)
  make bench-cable                  the same on the cable cell, whose results are in docs
  make classifiers                  collect images, train and evaluate the slot classifiers (hours); overwrites the committed weights
  make reflexes                     a simulated robot that enforces reflexes (franka-sim), in .venv-reflexes
  make check-cell ARGS="--cell cells/mine.yaml"      what of a real cell is right or wrong; nothing moves
  make build                        set up and build, start nothing
  make security [ARGS="--namespace cell_a --keystore FOLDER"]   keys and permissions (SROS2) of every node, by `ros2 security`
  make hardware                     install what a real cell and its rehearsal need (robot:=fci and robot:=ros2_control ask for it by themselves)
  make clean                        remove everything that make made, but runs and keys, and what killed processes left in shared memory

Set-up happens by itself: system packages, $(MENTOR_VENV) with the pinned requirements, colcon build.
$(if $(ROS_DISTRO),ROS 2 $(ROS_DISTRO) is sourced and used.,No ROS 2 distribution is sourced: the client library comes as wheels and mentor_bringup.runner launches.)
endef

.PHONY: help launch test test-processors soak bench bench-learning bench-cable classifiers lint format build hardware reflexes check-cell security clean ready ready-dev hardware-ready FORCE

help:
	$(info $(HELP))@:

# ---- what a person calls -------------------------------------------------------------------------------------------
IN_WORKSPACE = source setup/env.sh &&
# Two makes at once set up one after the other; the second finds everything done.
SET_UP = @mkdir -p log && { flock -n log/.setup_lock true || echo "set-up: another make is at it; waiting"; } \
	&& flock log/.setup_lock $(MAKE)

# A twin needs no library of the hardware.
NEEDS_HARDWARE = $(if $(findstring robot:=fci,$(ARGS))$(findstring robot:=ros2_control,$(ARGS)),hardware-ready)

# A Ctrl-C while Python starts waits until there is a handler for it (mentor_common/node/starting.py).
SIGNALS_WAIT = $(shell env --block-signal=INT,TERM true 2>/dev/null && echo env --block-signal=INT,TERM)

launch:
	$(SET_UP) ready $(NEEDS_HARDWARE)
	@$(IN_WORKSPACE) exec $(SIGNALS_WAIT) python -m mentor_bringup.runner mentor_bringup $(TASK).launch.py $(ARGS)

test:
	$(SET_UP) ready-dev
	@$(IN_WORKSPACE) exec bash setup/test.sh $(ARGS)

test-processors:
	$(SET_UP) ready-dev
	@$(IN_WORKSPACE) exec bash setup/test_processors.sh $(ARGS)

soak:
	$(SET_UP) ready-dev .venv-reflexes/.ready
	@$(IN_WORKSPACE) exec python -m pytest -m soak --timeout 3600 $(ARGS)

# The rehearsal is one of the scripts. Folders of bench/ hold what takes hours or needs arguments.
bench:
	$(SET_UP) ready hardware-ready
	@$(IN_WORKSPACE) exec bash setup/bench.sh $(or $(ARGS),$(wildcard bench/*.py))

bench-learning:
	$(SET_UP) ready $(DONE)/bench
	@$(IN_WORKSPACE) exec python bench/learning/robot_task.py --task $(TASK) $(ARGS)

bench-cable: TASK = cable_routing
bench-cable: bench-learning

lint:
	$(SET_UP) $(DONE)/dev
	@source $(MENTOR_VENV)/bin/activate && exec bash setup/lint.sh

format:
	$(SET_UP) $(DONE)/dev
	@source $(MENTOR_VENV)/bin/activate && ruff check --fix . ; ruff format .

# The committed weights were made by these commands from other seeds (docs/classifiers.md). Training, masks,
# calibration, held-out images and episodes have disjoint seeds.
classifiers: export OMP_NUM_THREADS = 1
classifiers: data = runs/classifiers
classifiers: collect = python -m mentor_reward collect
classifiers: train = python -m mentor_reward train --data $(data)/train --masks $(data)/masks \
	--calibrate-on $(data)/calibration --weights src/mentor_reward/mentor_reward/classifier/weights
classifiers:
	$(SET_UP) ready
	@$(IN_WORKSPACE) $(collect) --data $(data)/train --env mentor/cable_routing_snapshots-v0 \
		--env-options '{"max_steps": 50, "snapshots": 3, "scatter": true}' --first-seed 10000 --episodes 1150 --per-class 13000 --processes 2 $(ARGS)
	@$(IN_WORKSPACE) $(collect) --data $(data)/masks --env mentor/cable_routing_snapshots-v0 \
		--env-options '{"max_steps": 25, "masks": true, "scatter": true}' --first-seed 20000 --episodes 12 --per-class 150
	@$(IN_WORKSPACE) $(collect) --data $(data)/calibration --env mentor/cable_routing_snapshots-v0 --processes 2 \
		--env-options '{"max_steps": 50, "snapshots": 2}' --first-seed 600000 --episodes 60 --per-class 3000
	@$(IN_WORKSPACE) $(collect) --data $(data)/held_out --env mentor/cable_routing_snapshots-v0 \
		--env-options '{"max_steps": 50, "snapshots": 2}' --first-seed 500000 --episodes 40 --per-class 1000
	@$(IN_WORKSPACE) { $(train) --camera slot_1 --epochs 45 & first=$$!; \
		$(train) --camera slot_2 --epochs 90 --seed 1 && wait $$first; }
	@$(IN_WORKSPACE) python -m mentor_reward evaluate --data $(data)/held_out --episodes 15 --first-seed 1000000 \
		--picture docs/classifiers_confusion.png --numbers $(data)/numbers.json

build:
	$(SET_UP) ready

hardware:
	$(SET_UP) ready hardware-ready

# An environment of its own: its numpy and mujoco are older than everything else here needs.
reflexes: .venv-reflexes/.ready
.venv-reflexes/.ready: requirements-reflexes.txt
	@setup/quietly.sh "simulated robot with reflexes" log/setup/reflexes.log bash -c \
		'$(PYTHON) -m venv --clear .venv-reflexes && .venv-reflexes/bin/pip install --disable-pip-version-check -r $<'
	@touch .venv-reflexes/COLCON_IGNORE $@

# Both halves always run.
check-cell:
	$(SET_UP) ready hardware-ready
	@$(IN_WORKSPACE) { python -m mentor_arm check --task $(TASK) $(ARGS); robot=$$?; python -m mentor_camera check --task $(TASK) $(ARGS) && exit $$robot; }

security:
	$(SET_UP) ready
	@$(IN_WORKSPACE) exec python -m mentor_bringup.security $(ARGS)

clean:
	@$(PYTHON) launch/mentor_bringup/shared_memory.py
	rm -rf build install log .venv .venv-* .pytest_cache .mypy_cache .ruff_cache .hypothesis __pycache__
	find src launch test bench setup docs -name __pycache__ -type d -prune -exec rm -rf {} +

# ---- the set-up, step by step; a stamp is written when its step is done --------------------------------------------
ready: install/.built
ready-dev: install/.built $(DONE)/dev $(DONE)/apt-dev
hardware-ready: $(DONE)/hardware

$(DONE)/apt: setup/apt.txt setup/apt.sh
	@setup/apt.sh $(PYTHON)
	@mkdir -p $(@D) && touch $@

$(DONE)/apt-dev: setup/apt-dev.txt setup/apt.sh
	@setup/apt.sh $(PYTHON) apt-dev.txt
	@mkdir -p $(@D) && touch $@

$(DONE)/run: $(REQUIREMENTS) requirements-constraints.txt | $(DONE)/apt
	@setup/venv.sh $(PYTHON) $(MENTOR_VENV) $(REQUIREMENTS)
	@touch $@

$(DONE)/hardware: requirements-hardware.txt $(DONE)/run
	@setup/venv.sh $(PYTHON) $(MENTOR_VENV) $(REQUIREMENTS) requirements-hardware.txt
	@touch $@

$(DONE)/bench: requirements-bench.txt $(DONE)/run
	@setup/venv.sh $(PYTHON) $(MENTOR_VENV) $(REQUIREMENTS) requirements-bench.txt
	@touch $@

# The tests rehearse the real cell, too.
$(DONE)/dev: requirements-dev.txt $(DONE)/hardware
	@setup/venv.sh $(PYTHON) $(MENTOR_VENV) $(REQUIREMENTS) requirements-hardware.txt requirements-dev.txt
	@touch $@

# Rewritten only if a file came or went, or the environment is another.
log/build_inputs: FORCE
	@mkdir -p $(@D) && printf '%s\n' $(MENTOR_VENV) $(BUILD_INPUTS) | sort >$@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

install/.built: log/build_inputs $(BUILD_INPUTS) $(DONE)/run setup/build.sh
	@setup/build.sh $(MENTOR_VENV)
	@touch $@
