#!/bin/sh
# Compiles the module with the C compiler of `ziglang` from PyPI: build.sh [OUT].
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../scripts/wasm-tools"
zig_cc --target=wasm32-wasi -Os -o "${1:-$here/text-facts.wasm}" "$here/text-facts.c"
