# The project's commands. `make` alone prints them.
.DEFAULT_GOAL := help
.PHONY: help setup setup-spark35 setup-stores setup-stores35 test test-spark35 lint format demo bench package \
	package-gcp package-aws image plan-gcp plan-aws deploy-gcp deploy-aws clean

PYTHON ?=
IVY_SETTINGS ?=
PYTEST_ARGS ?=
WORKERS ?= 2
BENCH_ARGS ?=
export PYTHON IVY_SETTINGS

BIN := .venv/bin
# A file's tests share what they set up, so a file stays with one worker; conftest.py puts the longest first.
SIDE_BY_SIDE := -n $(WORKERS) --dist loadfile --no-loadscope-reorder
TYPED := spark_jobs state deploy/setup deploy/cloud.py $(if $(wildcard trigger_function/*.py),trigger_function)

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## make .venv (Spark 4.0): Python packages, Java, Delta jars; once with a network, then a second
	@deploy/setup/setup.sh .venv constraints.txt 4.0 2.13 python3.11 python3.12 python3.13

setup-spark35: ## make .venv35 the same way for Spark 3.5 (Python 3.11)
	@deploy/setup/setup.sh .venv35 constraints-spark35.txt 3.5 2.12 python3.11

setup-stores: ## setup, and the jars for lakes on gs:// and s3a:// (some hundred MB)
	@STORES=1 deploy/setup/setup.sh .venv constraints.txt 4.0 2.13 python3.11 python3.12 python3.13

setup-stores35: ## the same for Spark 3.5
	@STORES=1 deploy/setup/setup.sh .venv35 constraints-spark35.txt 3.5 2.12 python3.11

test: setup ## all tests, on Spark 4.0; WORKERS files at a time (2), each with a session of about 2 GiB
	$(BIN)/python -m pytest $(SIDE_BY_SIDE) $(PYTEST_ARGS)

test-spark35: setup-spark35 ## the tests that touch Spark, on Spark 3.5
	.venv35/bin/python -m pytest $(SIDE_BY_SIDE) -m spark $(PYTEST_ARGS)

lint: setup ## ruff, its formatter, mypy and sqlfluff, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/sqlfluff lint --dialect bigquery deploy/bigquery
	$(BIN)/sqlfluff lint --dialect athena deploy/athena

format: setup ## let ruff repair and format what it can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

demo: setup ## sample deliveries, a few daily runs, and a look at the lake
	deploy/demo.sh

bench: setup ## the benchmarks (long); BENCH_ARGS are passed on
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

package: setup ## dist/opslake.zip for --py-files and dist/opslake-env.tar.gz for --archives
	$(BIN)/python deploy/setup/package.py

package-gcp: setup ## what Google Cloud gets: the code, its packages, the trigger function
	$(BIN)/python deploy/setup/package.py gcp

package-aws: setup ## what AWS gets
	$(BIN)/python deploy/setup/package.py aws

image: ## the image of Spark batches, in the place of the archive: build and push IMAGE=repository/name
	@deploy/image.sh "$(IMAGE)"

# What is missing is said before anything is built.
define cloud
@python3 deploy/cloud.py $(1) check
@$(MAKE) --no-print-directory package-$(1)
@python3 deploy/cloud.py $(1) $(2)
endef

plan-gcp: ## show what a deployment to Google Cloud would change: STATE_BUCKET=…, variables in deploy/gcp/terraform.tfvars
	$(call cloud,gcp,plan)

plan-aws: ## show what a deployment to AWS would change
	$(call cloud,aws,plan)

deploy-gcp: ## package, upload and apply
	$(call cloud,gcp,apply)

deploy-aws: ## package, upload and apply
	$(call cloud,aws,apply)

clean: ## remove what was built and the caches; keeps the environments and the jars
	rm -rf dist build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse metastore_db derby.log
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
