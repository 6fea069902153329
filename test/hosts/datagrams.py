# Listens on a datagram socket as systemd does on NOTIFY_SOCKET, and prints each
# message as a JSON string on its own line. An address "@name" is an abstract socket.
import json
import socket
import sys

address = sys.argv[1]
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind("\0" + address[1:] if address.startswith("@") else address)
print("listening", flush=True)
while True:
    print(json.dumps(listener.recv(4096).decode("utf-8")), flush=True)
