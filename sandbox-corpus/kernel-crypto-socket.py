# Opens a socket to the kernel's ciphers: old code that workers have no use for.
import socket

try:
    socket.socket(38, socket.SOCK_SEQPACKET).close()
    print("ESCAPED opened")
except OSError as error:
    print("ABSENT" if error.errno == 97 else "HELD", error)
