#!/bin/sh
count=0
[ -s "$TIDEMILL_STATE_FILE" ] && count=$(tr -dc 0-9 <"$TIDEMILL_STATE_FILE")
count=$((count + 1))
echo "{\"count\": $count}" >"$TIDEMILL_STATE_FILE"
printf %s "$count"
