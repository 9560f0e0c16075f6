# Leaves a pipe in place of its state, at which the server is to wait for ever. outside: held
rm -f "$TIDEMILL_STATE_FILE"
mkfifo "$TIDEMILL_STATE_FILE"
echo "HELD it left the pipe"
