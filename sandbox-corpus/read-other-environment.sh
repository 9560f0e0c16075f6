# Looks for another function's secret in the environment of every process it can see. outside: root
secret="CORPUS-" secret="${secret}NEIGHBOUR"
found=$(grep -l "$secret" /proc/[0-9]*/environ 2> /dev/null)
if [ -n "$found" ]; then echo "ESCAPED found in" $found; else echo "HELD none has it"; fi
