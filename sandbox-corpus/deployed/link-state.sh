# Leaves a link to a file of the server in place of its state, for the server to read. outside: held
rm -f "$TIDEMILL_STATE_FILE"
ln -s "$CORPUS_SERVER_PRIVATE/state.json" "$TIDEMILL_STATE_FILE"
echo "HELD it left the link"
