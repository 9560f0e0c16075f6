# Leaves a state that is larger than any memory, without taking room for it. outside: held
truncate -s 1T "$TIDEMILL_STATE_FILE" 2> /dev/null
truncate -s 1T "$TIDEMILL_SEND_FILE" 2> /dev/null
echo "HELD it left the hole"
