# Follows a link of its own to a file of the server.
ln -s "$CORPUS_SERVER_FILE" "$CORPUS_TMP/link" || exit 1
if text=$(cat "$CORPUS_TMP/link" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
