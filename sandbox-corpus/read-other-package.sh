# Reads another function's package.
if text=$(head -c 15 "$CORPUS_OTHER_PACKAGE/secret" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
