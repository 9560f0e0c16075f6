# Fills its scratch space until it is full, or holds more than it should.
why=$(head -c "${CORPUS_FILL_MIB}M" /dev/zero 2>&1 > "$CORPUS_TMP/filled-by-sh") && how=ESCAPED || how=HELD
size=$(wc -c < "$CORPUS_TMP/filled-by-sh")
rm -f "$CORPUS_TMP/filled-by-sh"
echo "$how $size bytes $why"
