# Leaves a process behind that has left its group and its session.
setsid sleep "$CORPUS_LEFT_BY_SHELL" > /dev/null 2>&1 < /dev/null &
echo "HELD unless it is found later"
