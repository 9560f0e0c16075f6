# Mounts over its scratch space, and takes that away again. outside: root
if why=$(mount -t tmpfs none "$CORPUS_TMP" 2>&1); then
    umount "$CORPUS_TMP"
    echo "ESCAPED mounted"
else
    echo "HELD $why"
fi
