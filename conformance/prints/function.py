import sys


def handler(context, event):
    print("first", end=" ")
    print("line")
    print("a\nb")
    sys.stderr.write("oops\n")
    sys.stdout.buffer.write("büffer\n".encode())
    sys.stdout.write("unfinished")
    return "ok"
