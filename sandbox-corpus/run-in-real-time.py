# Takes the processor from others for as long as it likes. outside: root
import os

child = os.fork()
if child == 0:
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os._exit(0)
    except OSError as error:
        os._exit(error.errno)
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
print("ESCAPED does" if code == 0 else f"HELD {os.strerror(code)}")
