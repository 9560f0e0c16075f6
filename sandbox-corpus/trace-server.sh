# Attaches to the server with a debugger's tool, and lets go again. outside: root
if ! command -v strace > /dev/null; then echo "ABSENT this machine has no strace"; exit; fi
why=$(timeout 5 strace -o /dev/null -p "$CORPUS_SERVER" 2>&1)
case "$why" in *attached*) echo "ESCAPED" $why ;; *) echo "HELD" $why ;; esac
