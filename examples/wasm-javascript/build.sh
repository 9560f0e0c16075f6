#!/bin/sh
# Makes the component with componentize-js from npm: build.sh [OUT].
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../scripts/wasm-tools"
componentize_js "$here/visits.js" --wit "$here/../../crates/wasm/wit" --world-name function \
    --disable http fetch-event --out "${1:-$here/visits.wasm}"
