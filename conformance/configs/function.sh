#!/bin/sh
if [ -z "${TIDEMILL_CONFIGS_FILE+set}" ]; then
    echo '{}'
    exit
fi
[ "$(stat -c %a "$TIDEMILL_CONFIGS_FILE")" = 600 ] || exit 3
cat "$TIDEMILL_CONFIGS_FILE"
