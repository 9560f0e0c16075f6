# Opens a system program for writing; writes nothing. outside: root
try:
    open("/usr/bin/env", "r+b").close()
    print("ESCAPED opened")
except OSError as error:
    print("HELD", error)
