# Sends more messages than may be, to itself. outside: held
line='{"function": "corpus-shell", "body": "flood-messages.sh"}'
yes "$line" | head -n 100000 > "$TIDEMILL_SEND_FILE"
echo "HELD it sent them"
