#!/bin/sh
# Makes the component with componentize-js from npm, with the world of WASI that comes with it: build.sh [OUT].
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../scripts/wasm-tools"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/deps"
cp -r "$(wasi_wit)"/* "$work/deps/"
# The engine inside the tool is of this version; the two say the same.
sed -i 's/0\.2\.12/0.2.10/g' "$work"/deps/*/*.wit
cat >"$work/world.wit" <<'WIT'
package example:http;

world server {
    export wasi:http/incoming-handler@0.2.10;
}
WIT
componentize_js "$here/proxy.js" --wit "$work" --world-name server --out "${1:-$here/proxy.wasm}"
