# Runs the case that the event names, a script or a program, in its own place.
IFS= read -r name
export CORPUS_PACKAGE="$PWD"
case "$name" in *.sh) exec sh "./$name" ;; *) exec "./$name" ;; esac
