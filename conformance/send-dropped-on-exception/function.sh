#!/bin/sh
echo '{"function": "next", "body": "now"}' >>"$TIDEMILL_SEND_FILE"
echo '{"n": 1}' >"$TIDEMILL_STATE_FILE"
if [ "$(cat)" = raise ]; then exit 3; fi
printf sent
