# Reads what another function has put into its scratch space.
if text=$(head -c 15 "$CORPUS_OTHER_TMP/secret" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
