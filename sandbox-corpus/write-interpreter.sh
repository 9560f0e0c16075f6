# Changes the interpreter that others use, too.
if why=$( { echo changed >> "$CORPUS_INTERPRETER"; } 2>&1 ); then echo "ESCAPED wrote"; else echo "HELD $why"; fi
