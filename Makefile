# Entragate: `make up` deploys the dev stack into the sandbox and proves who may
# call it; `make test` is everything CI checks. Both set up what they need.

STACK ?= dev
ENTRAGATE := bin/entragate

# The same for every build, those of the Pulumi CLI and the plugins included, so
# that all share what is compiled.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false

# The race detector needs a C compiler.
ifneq ($(shell command -v gcc 2>/dev/null),)
UNIT := CGO_ENABLED=1 go test -race
else
UNIT := echo "NO RACE DETECTOR: it needs gcc" >&2 && go test
endif

.PHONY: up preview review down status serve access build test check lint unit e2e bench fuzz clean

up: build
	@$(ENTRAGATE) sandbox up --stack $(STACK)

preview: build
	@$(ENTRAGATE) sandbox preview --stack $(STACK)

review: build
	@$(ENTRAGATE) review --stack $(STACK)

down: build
	@$(ENTRAGATE) sandbox down --stack $(STACK)

status: build
	@$(ENTRAGATE) sandbox status --stack $(STACK)

serve: build
	@$(ENTRAGATE) sandbox serve

access: build
	@$(ENTRAGATE) access --stack $(STACK)

build:
	@scripts/announce "building bin/entragate" go build -o $(ENTRAGATE) ./cmd/entragate

test: check unit e2e

check:
	@scripts/check

unit:
	@scripts/announce "unit tests" sh -c '$(UNIT) $$(go list ./... | grep -v /tests$$)'
	@scripts/announce "tests of the provider plugins" scripts/plugins-test

e2e: build
	@scripts/announce "end-to-end tests" go test -count=1 -parallel 4 -timeout 60m ./tests
	@scripts/announce "end-to-end tests of examples/import" env ENTRAGATE=$(CURDIR)/$(ENTRAGATE) \
		go -C examples/import test -count=1 -parallel 4 -timeout 30m ./...

bench:
	go test -run '^$$' -bench . -benchmem ./access/... ./functions/authorize ./sandbox/edge/... ./sandbox/aws/logs/... \
		./cmd/entragate/internal/requests

fuzz:
	@scripts/fuzz

clean: down
	rm -rf bin .entragate
