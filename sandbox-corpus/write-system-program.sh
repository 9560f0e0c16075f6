# Opens a system program for writing; writes nothing. outside: root
if why=$( { : >> /usr/bin/env; } 2>&1 ); then echo "ESCAPED opened"; else echo "HELD $why"; fi
