# Changes its own package, and so what the next worker runs.
if why=$( { echo changed > "$CORPUS_PACKAGE/changed"; } 2>&1 ); then echo "ESCAPED wrote"; else echo "HELD $why"; fi
