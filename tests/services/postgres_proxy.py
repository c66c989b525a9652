"""A way to a PostgreSQL server that loses a connection.

    postgres_proxy.py PORT FAULT [NUMBER=1] [FILE]

Prints the port that it listens at. The NUMBERth COMMIT of all that pass, from 1, meets FAULT:
    before      the connection is cut, and the server never sees it
    after       the server has it, and has answered, and then the connection is cut
    at-once     the server has it, and the connection is cut before it can answer
    unanswered  as after, and for the next two seconds no new connection is let through
    held        as before, but the server is not told that the client is gone
FAULT may also be a direction, and NUMBER counts the pieces that go there, about one a message:
    sent        the connection is cut, and the server never sees this piece from the client
    received    the client never sees this piece from the server
With FILE, no new connection is let through from then on until there is such a file.
"""

import os
import socket
import sys
import threading
import time

SERVER, FAULT = int(sys.argv[1]), sys.argv[2]
NUMBER = int(sys.argv[3]) if len(sys.argv) > 3 else 1
FILE = sys.argv[4] if len(sys.argv) > 4 else None
COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"
lock = threading.Lock()
seen = 0
closed_until = 0.0
met = False


def is_due(data, from_client):
    """Whether these bytes meet the fault."""
    global seen
    with lock:
        if FAULT in ("sent", "received"):
            if from_client != (FAULT == "sent"):
                return False
        elif not from_client or COMMIT not in data:
            return False
        seen += 1
        return seen == NUMBER


def cut(*ends):
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def pump(source, target, from_client, state):
    global closed_until, met
    try:
        while data := source.recv(1 << 16):
            if is_due(data, from_client):
                met = True
                what = "piece" if FAULT in ("sent", "received") else "commit"
                print(f"{what} {NUMBER}: {FAULT}", file=sys.stderr, flush=True)
                if FAULT == "held":
                    cut(source)
                    return
                if FAULT in ("before", "sent", "received"):
                    break
                if FAULT == "at-once":
                    target.sendall(data)
                    break
                if FAULT == "unanswered":
                    closed_until = time.monotonic() + 2
                state["swallow"] = True
            elif not from_client and state["swallow"]:
                break
            target.sendall(data)
    except OSError:
        pass
    cut(source, target)


def serve(client):
    if time.monotonic() < closed_until or (met and FILE and not os.path.exists(FILE)):
        client.close()
        return
    server = socket.create_connection(("127.0.0.1", SERVER))
    state = {"swallow": False}
    for source, target, from_client in ((client, server, True), (server, client, False)):
        threading.Thread(target=pump, args=(source, target, from_client, state), daemon=True).start()


listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
while True:
    serve(listener.accept()[0])
