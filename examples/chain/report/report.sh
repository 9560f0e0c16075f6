#!/bin/sh
# Third of the chain: the response of `transform` on standard input, a table for people out. A # stands for 4 mm.
set -eu

awk -F '\t' '
BEGIN {
    split("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", name, " ")
    print "month   high    wet     rain"
}
NF != 4 { print "not a line of transform: " $0 > "/dev/stderr"; bad = 1; exit 1 }
{
    bar = sprintf("%" int($2 / 4 + 0.5) "s", "")
    gsub(/ /, "#", bar)
    printf "%-5s %4.1f C %4.1f d %5.1f mm %s\n", name[$1], $4, $3, $2, bar
    rain += $2; wet += $3
}
END { if (!bad) printf "year         %5.1f d %5.1f mm\n", wet, rain }'
