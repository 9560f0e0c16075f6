#!/bin/sh
# The ten most frequent words of the text on standard input, the most frequent first.
#
# A word is a run of letters, with apostrophes inside it (discover'd). Case does not matter. Bytes over 127 count as
# letters, so that UTF-8 words stay whole, except those of the typographic quotes and dashes (U+2000 to U+203F).
set -eu
export LC_ALL=C

awk '{
    gsub(/\342\200\231/, "\047")        # the typographic apostrophe
    gsub(/\342\200[\200-\277]/, " ")
    $0 = tolower($0)
    gsub(/[^a-z\200-\377\047]+/, " ")
    for (i = 1; i <= NF; i++) {
        word = $i
        gsub(/^\047+|\047+$/, "", word)
        if (word != "") count[word]++
    }
}
END { for (word in count) printf "%7d %s\n", count[word], word }' |
    sort -k1,1nr -k2,2 |
    head -n 10
