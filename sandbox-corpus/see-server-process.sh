# Looks at the process of the server.
name=$(cat "/proc/$CORPUS_SERVER/cmdline" 2>/dev/null | tr '\0' ' ')
case "$name" in *stands-for-the-server*) echo "ESCAPED sees: $name" ;; *) echo "HELD it is not there" ;; esac
