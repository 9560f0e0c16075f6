# Gives the machine the name that it has. outside: root
import socket

try:
    socket.sethostname(socket.gethostname())
    print("ESCAPED named")
except OSError as error:
    print("HELD", error)
