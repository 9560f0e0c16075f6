# Opens a socket to the host of a virtual machine, which no network namespace holds back.
import socket

try:
    socket.socket(40, socket.SOCK_STREAM).close()
    print("ESCAPED opened")
except OSError as error:
    print("ABSENT" if error.errno == 97 else "HELD", error)
