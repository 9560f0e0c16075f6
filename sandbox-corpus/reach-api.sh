# Calls the API of the server over the loopback, without a token.
if text=$(curl --silent --show-error --max-time 10 "http://$CORPUS_API/v1/functions" 2>&1); then
    echo "ESCAPED answered: $(echo "$text" | head -c 32 | head -n 1)"
else
    echo "HELD $text"
fi
