.PHONY: help up test test-engines bench chaos soak build format check clean
.DEFAULT_GOAL := help

help: ## show this
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 24

up: ## install what is missing, build, run the whole cluster until Ctrl-C
	@scripts/install-deps && exec scripts/up

test: ## run every test there is
	@exec scripts/test

test-engines: build ## run the server of llama.cpp itself, with a model made on the spot, behind the gateway
	@exec scripts/test-engines

bench: build ## measure on this machine
	@exec Tests/Benchmark/run.py

chaos: build ## break Redis in seven ways under load and count what comes of it; about two minutes
	@exec scripts/chaos Tests/EndToEnd/test_chaos.py

soak: build ## churn everything for SOAK_SECONDS (600) and look for what is left
	@SOAK_SECONDS=$${SOAK_SECONDS:-600} exec scripts/chaos Tests/EndToEnd/test_soak.py

build: ## install what is missing, build the worker
	@scripts/install-deps && exec swift build -c release --static-swift-stdlib --product Worker

check: ## check format, import directions and shell syntax
	@exec scripts/check

format: ## format the Swift sources
	@exec swift format --in-place --parallel --recursive Package.swift Sources Tests

clean: ## remove what was built (not the data)
	rm -rf .build .venv
