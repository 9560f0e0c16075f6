# Asks for a way to the address where clouds keep the credentials of a machine. Sends nothing.
if why=$(bash -c 'exec 3<>/dev/udp/169.254.169.254/80' 2>&1); then echo "ESCAPED there is a way"; else echo "HELD $why"; fi
