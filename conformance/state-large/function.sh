#!/bin/sh
# The state is one long string here.
if [ -n "$(cat)" ]; then
    { printf '"'; head -c 650000 /dev/zero | tr '\0' x; printf '"'; } >"$TIDEMILL_STATE_FILE"
fi
wc -c <"$TIDEMILL_STATE_FILE" | tr -d ' \n'
