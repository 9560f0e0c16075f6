# Opens a socket for packets of its own making. outside: root
import socket

try:
    socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).close()
    print("ESCAPED opened")
except OSError as error:
    print("HELD", error)
