#!/bin/sh
before='{}'
[ -s "$TIDEMILL_STATE_FILE" ] && before=$(cat "$TIDEMILL_STATE_FILE")
cat >"$TIDEMILL_STATE_FILE"
printf '[%s]' "$before"
