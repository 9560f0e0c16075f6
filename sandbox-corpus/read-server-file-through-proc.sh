# Reads a file of the server through the root of the server's process. outside: root
if text=$(head -c 15 "/proc/$CORPUS_SERVER/root$CORPUS_SERVER_FILE" 2>&1); then echo "ESCAPED read: $text"; else echo "HELD $text"; fi
