# Signals the server. The signal is one that the stand-in ignores.
if why=$(kill -URG "$CORPUS_SERVER" 2>&1) && grep -q stands-for-the-server "/proc/$CORPUS_SERVER/cmdline"; then
    echo "ESCAPED signalled"
else
    echo "HELD ${why:-that process is another}"
fi
