# Leaves a process behind that has left its group, its session and its parent.
import os

child = os.fork()
if child == 0:
    os.setsid()
    if os.fork() == 0:
        nothing = os.open("/dev/null", os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        # The channel of its worker stays open in it.
        os.set_inheritable(3, True)
        os.execvp("sleep", ["sleep", os.environ["CORPUS_LEFT_BY_PYTHON"]])
    os._exit(0)
os.waitpid(child, 0)
print("HELD unless it is found later")
