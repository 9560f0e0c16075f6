# Looks which packages there are beside its own.
own=$(basename "$CORPUS_PACKAGE")
others=$(ls "$CORPUS_PACKAGE/.." | grep -cvx "$own")
if [ "$others" -gt 0 ]; then echo "ESCAPED it sees $others more"; else echo "HELD it sees its own alone"; fi
