# Reads another function's package.
if text=$(cat "$CORPUS_OTHER_PACKAGE/secret" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
