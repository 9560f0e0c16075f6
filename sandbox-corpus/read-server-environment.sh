# Looks for the server's secret in the environment of every process it can see; outside, of the server alone. outside: root
secret="CORPUS-" secret="${secret}SECRET"
if [ -n "$CORPUS_OUTSIDE" ]; then places="/proc/$CORPUS_SERVER/environ"; else places="/proc/[0-9]*/environ"; fi
found=$(grep -l "$secret" $places 2> /dev/null)
if [ -n "$found" ]; then echo "ESCAPED found in" $found; else echo "HELD none of $(echo $places | wc -w) has it"; fi
