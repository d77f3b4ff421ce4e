# Entragate: `make up` deploys the dev stack into the sandbox and proves who may
# call it; `make test` is everything CI checks. Both set up what they need.

STACK ?= dev
ENTRAGATE := bin/entragate

# The race detector needs a C compiler; without one the tests run without it.
RACE := $(if $(shell command -v gcc cc 2>/dev/null),-race,)

.PHONY: up preview down status serve access build test check lint unit e2e bench fuzz clean

up: build
	@$(ENTRAGATE) sandbox up --stack $(STACK)

preview: build
	@$(ENTRAGATE) sandbox preview --stack $(STACK)

down: build
	@$(ENTRAGATE) sandbox down --stack $(STACK)

status: build
	@$(ENTRAGATE) sandbox status --stack $(STACK)

serve: build
	@$(ENTRAGATE) sandbox serve

access: build
	@$(ENTRAGATE) access --stack $(STACK)

build:
	@scripts/announce "building bin/entragate" go build -trimpath -o $(ENTRAGATE) ./cmd/entragate

test: check unit e2e

check:
	@scripts/check

unit:
	@scripts/announce "unit tests" go test $(RACE) $$(go list ./... | grep -v /tests)
	@scripts/announce "tests of the provider plugins" scripts/plugins-test

e2e: build
	@scripts/announce "end-to-end tests" go test -count=1 -timeout 40m ./tests/...

bench:
	go test -run '^$$' -bench . -benchmem ./access/... ./sandbox/edge/...

fuzz:
	@scripts/fuzz

clean: down
	rm -rf bin .entragate
