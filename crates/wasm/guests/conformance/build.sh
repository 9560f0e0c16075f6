#!/bin/sh
# Builds the guest that runs the cases of `conformance/`: build.sh OUT.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../../../scripts/wasm-tools"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$here/guest.js" "$work/"
node "$here/bundle.mjs" "$here/../../../../conformance" "$work/cases.js"
cd "$work"
node - guest.js cases.js >bundled.js <<'JS'
const { readFileSync } = require("node:fs")
const [guest, cases] = process.argv.slice(2).map((file) => readFileSync(file, "utf8"))
process.stdout.write(cases.replace("export const", "const") + guest.replace(/^import .*cases\.js"\n/m, ""))
JS
componentize_js bundled.js --wit "$here/../../wit" --world-name function --disable http fetch-event --out "$1"
