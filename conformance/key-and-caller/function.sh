#!/bin/sh
printf '["%s","%s"]' "$TIDEMILL_KEY" "$TIDEMILL_CALLER"
