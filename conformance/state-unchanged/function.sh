#!/bin/sh
# Whatever it is asked, it writes the file as it was.
copy=$(cat "$TIDEMILL_STATE_FILE")
echo "$copy" >"$TIDEMILL_STATE_FILE"
echo "$copy"
