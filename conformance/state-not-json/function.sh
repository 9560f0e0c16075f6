#!/bin/sh
what=$(cat)
if [ "$what" = read ]; then cat "$TIDEMILL_STATE_FILE"; else echo "$what" >"$TIDEMILL_STATE_FILE"; fi
