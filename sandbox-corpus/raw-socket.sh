# Opens a socket for packets of its own making, to see itself. outside: root
if ! command -v busybox > /dev/null; then echo "ABSENT this machine has no ping that asks for one"; exit; fi
if why=$(busybox ping -c 1 -W 5 127.0.0.1 2>&1); then echo "ESCAPED opened"; else echo "HELD" $why; fi
