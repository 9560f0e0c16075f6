# Traces a process of its own: the door to ptrace is shut altogether.
if ! command -v strace > /dev/null; then echo "ABSENT this machine has no strace"; exit; fi
if why=$(strace -o /dev/null true 2>&1); then echo "ESCAPED traced"; else echo "HELD" $why; fi
