# Hands the kernel a module, which is none. outside: root
tool=$(command -v insmod || command -v busybox) || { echo "ABSENT this machine has no insmod"; exit; }
case "$tool" in *busybox) tool="busybox insmod" ;; esac
echo "no module" > "$CORPUS_TMP/none.ko"
why=$($tool "$CORPUS_TMP/none.ko" 2>&1)
rm -f "$CORPUS_TMP/none.ko"
case "$why" in
*"not implemented"* | *"does not support"*) echo "ABSENT this kernel has no modules" ;;
*"not permitted"* | *denied*) echo "HELD $why" ;;
*applet*) echo "ABSENT this machine has no insmod" ;;
*) echo "ESCAPED the kernel looked at it: $why" ;;
esac
