"""An HTTP server that knows nothing of Tidemill: it listens on $PORT."""

import collections
import http.server
import json
import os


class Words(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        text = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        counts = collections.Counter(text.lower().split())
        print(f"{self.path}: {counts.total()} words", flush=True)
        if not counts:
            return self.answer(400, {"error": "there are no words"})
        self.answer(200, dict(counts.most_common(3)))

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("0.0.0.0", int(os.environ["PORT"])), Words).serve_forever()
