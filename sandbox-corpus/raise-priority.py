# Takes the processor from others. outside: root
import os

child = os.fork()
if child == 0:
    try:
        os.nice(-5)
        os._exit(0)
    except OSError as error:
        os._exit(error.errno)
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
print("ESCAPED raised" if code == 0 else f"HELD {os.strerror(code)}")
