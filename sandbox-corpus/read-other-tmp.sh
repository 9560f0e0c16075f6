# Reads what another function has put into its scratch space.
if text=$(cat "$CORPUS_OTHER_TMP/secret" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
