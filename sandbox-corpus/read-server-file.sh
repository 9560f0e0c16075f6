# Reads a file of the server by its path.
if text=$(head -c 15 "$CORPUS_SERVER_FILE" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
