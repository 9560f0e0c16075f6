#!/bin/sh
# Builds the guest that tries to get out: build.sh OUT.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../../scripts/wasm-tools"
cd "$here"
componentize_py --wit-path "$here/../../wit" --world function componentize escape --output "$1"
