# Looks at the process of the server.
name=$(tr '\0' ' ' 2>/dev/null < "/proc/$CORPUS_SERVER/cmdline")
case "$name" in *"$CORPUS_SERVER_NAME"*) echo "ESCAPED sees: $name" ;; *) echo "HELD it is not there" ;; esac
