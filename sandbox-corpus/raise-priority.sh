# Takes the processor from others. outside: root
why=$(nice -n -5 true 2>&1)
if [ -z "$why" ]; then echo "ESCAPED raised"; else echo "HELD $why"; fi
