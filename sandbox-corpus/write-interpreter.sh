# Changes the interpreter that others use, too: puts a longer copy in its place.
copy="$CORPUS_INTERPRETER.by-sh"
if why=$( { cp "$CORPUS_INTERPRETER" "$copy" && echo changed >> "$copy" && mv "$copy" "$CORPUS_INTERPRETER"; } 2>&1 ); then
    echo "ESCAPED wrote"
else
    echo "HELD $why"
fi
