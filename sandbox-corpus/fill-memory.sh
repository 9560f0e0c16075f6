# Takes memory until it may not, or has more than it should. A shell without memory gives up, so one below does it.
size=$(sh -c 'piece=x mib=0
    while [ ${#piece} -lt 1048576 ]; do piece=$piece$piece; done
    while [ $mib -lt "$0" ]; do eval "taken$mib=\$piece"; mib=$((mib + 1)); done
    echo $mib' "$CORPUS_FILL_MIB" 2> /dev/null)
if [ "$size" = "$CORPUS_FILL_MIB" ]; then echo "ESCAPED $size MiB"; else echo "HELD the shell gave up"; fi
