#!/bin/sh
# The browser end to end: page → relay → TAP → kernel → servers, in a network (and process) namespace of its own, so that
# nothing is left behind and nothing outside can be reached.
#
#   tests/e2e/run.sh RELAY [TEST-FILE …]
#
# RELAY is the built relay with the page inside. Needs Chromium, curl, nginx, PostgreSQL, Redis, mosquitto and vsftpd; CHROMIUM
# and NGINX name others than those on the PATH. BROWSER=firefox runs Firefox (FIREFOX) instead, for tests of what a program can
# call. CAP_NET_ADMIN and CAP_SYS_ADMIN (root) are needed for the namespace; without them a user namespace is tried.
set -eu

if [ $# -lt 1 ] || [ ! -x "$1" ]; then
  echo "usage: tests/e2e/run.sh RELAY [TEST-FILE …]; RELAY is a built ethertab-relay" >&2
  exit 2
fi
RELAY=$(realpath "$1")
shift
files=
for file in "$@"; do files="$files $(realpath "$file")"; done

cd "$(dirname "$0")"
for program in "${CHROMIUM:-chromium}" "${NGINX:-nginx}" curl node ip unshare redis-server mosquitto vsftpd; do
  if ! PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null; then
    echo "tests/e2e/run.sh: $program is missing (Debian: apt-get install chromium nginx-light curl nodejs iproute2
      postgresql redis-server mosquitto vsftpd)" >&2
    exit 2
  fi
done
[ -d node_modules/playwright-core ] || npm ci --no-audit --no-fund

STAGE=$(mktemp -d)
trap 'rm -rf "$STAGE"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
export RELAY STAGE PATH="$PATH:/usr/sbin:/sbin"
[ "$(id -u)" = 0 ] && user= || user=--map-root-user

# With the namespace's first process, everything in it ends.
# shellcheck disable=SC2086  # $user is one word or none, $files have no spaces of ours
unshare $user --net --pid --fork --kill-child --mount-proc \
  sh -c 'ip link set lo up && exec node --test --test-concurrency=1 --test-reporter=spec "$@"' sh ${files:-*.test.mjs} &
inside=$!
# unshare itself is deaf to anything milder while it waits.
trap 'kill -KILL "$inside" 2>/dev/null || true; wait "$inside" 2>/dev/null || true; rm -rf "$STAGE"' EXIT
wait "$inside"
