# Has others ended in its place when the machine's memory is used up. outside: root
import os

child = os.fork()
if child == 0:
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("-1000")
        os._exit(0)
    except OSError as error:
        os._exit(error.errno)
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
if code != 0 and os.getuid() == 0 and "CORPUS_OUTSIDE" in os.environ:
    print("ABSENT the root of this machine may not either:", os.strerror(code))
else:
    print("ESCAPED set" if code == 0 else f"HELD {os.strerror(code)}")
