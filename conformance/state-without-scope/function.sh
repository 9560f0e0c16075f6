#!/bin/sh
printf %s "${TIDEMILL_STATE_FILE:-there is no state}"
