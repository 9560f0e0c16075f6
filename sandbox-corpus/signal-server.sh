# Signals the server. The signal is one that nobody minds.
if why=$(kill -URG "$CORPUS_SERVER" 2>&1) && grep -q "$CORPUS_SERVER_NAME" "/proc/$CORPUS_SERVER/cmdline"; then
    echo "ESCAPED signalled"
else
    echo "HELD ${why:-that process is another}"
fi
