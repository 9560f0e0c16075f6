#!/bin/sh
repeat() { head -c "$2" /dev/zero | tr '\0' "$1"; }
for text in a b c; do
    printf '{"function": "%s", "body": "%s"}\n' $text "$(repeat $text 300000)" >>"$TIDEMILL_SEND_FILE"
done
repeat x 100000
