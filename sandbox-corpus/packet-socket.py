# Opens a socket that hears all packets of the machine. outside: root
import socket

try:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    print("ESCAPED opened")
except OSError as error:
    print("HELD", error)
