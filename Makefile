.PHONY: help up test bench soak build format check clean
.DEFAULT_GOAL := help

help: ## show this
	@sed -nE 's/^([a-z]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 16

up: ## install what is missing, build, run the whole cluster until Ctrl-C
	@scripts/install-deps && exec scripts/up

test: ## run every test there is
	@exec scripts/test

bench: build ## measure on this machine
	@exec Tests/Benchmark/run.py

soak: build ## change and break everything for SOAK_SECONDS (600), look for what grows or is left
	@[ -x .venv/bin/python ] || { python3 -m venv .venv && .venv/bin/pip install -q -r Tests/requirements.txt; }
	@SOAK_SECONDS=$${SOAK_SECONDS:-600} exec .venv/bin/python -m pytest Tests/EndToEnd/test_soak.py

build: ## install what is missing, build the worker
	@scripts/install-deps && exec swift build -c release --static-swift-stdlib --product Worker

check: ## check format, import directions and shell syntax
	@exec scripts/check

format: ## format the Swift sources
	@exec swift format --in-place --parallel --recursive Package.swift Sources Tests

clean: ## remove what was built (not the data)
	rm -rf .build .venv
