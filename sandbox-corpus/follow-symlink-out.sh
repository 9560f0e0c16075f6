# Follows a link of its own to a file of the server.
ln -s "$CORPUS_SERVER_FILE" "$CORPUS_TMP/link-by-sh" || exit 1
if text=$(head -c 15 "$CORPUS_TMP/link-by-sh" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
