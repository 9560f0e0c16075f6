# Leaves a process behind that has left its group and its session.
setsid sleep "$CORPUS_LEFT_BY_SHELL" > /dev/null 2>&1 < /dev/null &
# Only then has it left.
until grep -qa "^sleep" "/proc/$!/cmdline"; do :; done
echo "HELD unless it is found later"
