# ethertab. `make demo` runs it, `make test` tests it, `make bench` measures it; each sets up what it needs.
#
# Every stage is remembered under .work/ by a hash of what it reads: what has not changed is not done again.
# `make test FORCE=1` does everything again.

SHELL := /bin/bash
STAGE := .ci/stage
RELAY := target/release/ethertab-relay
RUST := Cargo.toml Cargo.lock rust-toolchain.toml clippy.toml stack relay wasm tests
WEB := LICENSE-MIT LICENSE-APACHE web wasm stack relay/tunnel Cargo.toml Cargo.lock rust-toolchain.toml
# Tests of what a program can call, as opposed to those of the page, the relay and memory.
APIS := guide sockets direct winter tls options fetch abort https http2 fetch-compare fetch-nginx serve websocket cookies node module ssh

.PHONY: help demo build docs test bench bench-stack bench-relay bench-browser bench-size setup-build setup-test clean \
        check-format check-lint check-docs check-web test-rust test-wasm test-kernel test-browser test-firefox test-ports

help: ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: build ## builds everything, starts the relay, prints one URL
	@exec $(RELAY) $(ARGS)

build: setup-build ## the page, the package and the relay
	@[ -d web/dist ] && [ -d web/pkg ] || rm -f .work/stages/page.passed
	@[ -x $(RELAY) ] || rm -f .work/stages/relay.passed
	@$(STAGE) page $(WEB) -- npm --prefix web run --silent build
	@$(STAGE) relay $(RUST) web -- cargo build --release -p ethertab-relay

test: check-format check-lint check-docs check-web test-rust test-wasm test-kernel test-browser test-firefox test-ports ## all of it, as CI does
	@.ci/stage --summary

check-format: setup-build ## rustfmt
	@$(STAGE) format $(RUST) -- sh -c "cargo fmt --all --check && cargo fmt --manifest-path tests/fuzz/Cargo.toml --check"

check-lint: build ## clippy, warnings denied, native and wasm
	@$(STAGE) lint $(RUST) -- .ci/lint

check-docs: build docs ## rustdoc and typedoc, warnings denied
	@$(STAGE) docs $(RUST) -- env RUSTDOCFLAGS="-D warnings -A rustdoc::private-intra-doc-links" cargo doc --workspace --no-deps --document-private-items

check-web: build ## TypeScript strict, Biome, unit tests of the package
	@$(STAGE) web $(WEB) tests/e2e tests/ports tests/bench -- .ci/check-web

docs: setup-build ## the package's API reference, into .work/reference
	@[ -d .work/reference ] || rm -f .work/stages/reference.passed
	@$(STAGE) reference web -- web/reference/node_modules/.bin/typedoc --options web/reference/typedoc.json

test-rust: build ## unit, property and simulation tests, and the layering check
	@$(STAGE) rust $(RUST) -- cargo test --workspace --quiet

test-wasm: build setup-test ## wasm-pack in headless Chromium against a real relay
	@$(STAGE) wasm $(RUST) web -- wasm/tests/run.sh $(RELAY)

test-kernel: build setup-test ## the Linux kernel and ordinary servers, in network namespaces
	@$(STAGE) kernel $(RUST) -- tests/kernel/run.sh

test-browser: build setup-test ## Chromium, page → relay → TAP → nginx
	@$(STAGE) browser $(RUST) web -- tests/e2e/run.sh $(RELAY)

test-firefox: build setup-test ## Firefox, for every API
	@$(STAGE) firefox $(RUST) web -- env BROWSER=firefox tests/e2e/run.sh $(RELAY) $(APIS:%=tests/e2e/%.test.mjs)

test-ports: build setup-test ## the packed package in Node.js, Deno and Bun, and under each bundler
	@$(STAGE) ports $(RUST) web -- tests/e2e/run.sh $(RELAY) tests/ports/runtimes.test.mjs tests/ports/bundlers.test.mjs

bench: bench-stack bench-relay bench-browser bench-size ## all figures, one JSON object a line

bench-stack: setup-build ## native figures beside smoltcp's
	@tests/bench/stack.sh

bench-relay: build ## the relay's costs, speed and fairness
	@tests/bench/relay.sh $(RELAY)

bench-browser: build setup-test ## figures in Chromium beside the raw WebSocket's
	@tests/bench/browser.sh $(RELAY)
	@tests/bench/latency.sh $(RELAY)

bench-size: build ## what a page loads of the package, gzipped
	@node tests/bench/size.mjs

setup-build:
	@.ci/setup build

setup-test: setup-build
	@.ci/setup test

clean: ## forgets everything that was built
	rm -rf target .work web/dist web/pkg web/node_modules web/src/generated
