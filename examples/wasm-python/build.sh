#!/bin/sh
# Makes the component with componentize-py from PyPI: build.sh [OUT].
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../scripts/wasm-tools"
cd "$here"
componentize_py --wit-path "$here/../../crates/wasm/wit" --world function componentize statistics_of \
    --output "${1:-$here/statistics-of.wasm}"
