# Starts processes until it may not, or has more than it should. A shell that cannot fork gives up, so one below does it.
ids=$(sh -c 'n=0; while [ $n -lt "$0" ]; do sleep 600 > /dev/null 2>&1 & echo $!; n=$((n + 1)); done' "$CORPUS_PROCESSES" 2> /dev/null)
kill $ids 2> /dev/null
count=0
for id in $ids; do count=$((count + 1)); done
if [ "$count" -ge "$CORPUS_PROCESSES" ]; then echo "ESCAPED $count processes"; else echo "HELD $count processes"; fi
