# Reads the key that the server seals secrets with.
if text=$(head -c 15 "$CORPUS_SERVER_KEY" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
