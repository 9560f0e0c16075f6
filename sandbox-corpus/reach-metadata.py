# Asks for a way to the address where clouds keep the credentials of a machine. Sends nothing.
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
    try:
        asked.connect(("169.254.169.254", 80))
        print("ESCAPED there is a way, from", asked.getsockname()[0])
    except OSError as error:
        print("HELD", error)
