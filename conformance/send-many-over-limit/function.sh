#!/bin/sh
awk -v n="$(cat)" 'BEGIN { for (i = 0; i < n; i++) printf "{\"function\": \"next\", \"body\": \"%d\"}\n", i }' >>"$TIDEMILL_SEND_FILE"
printf sent
