"""A page for pods of a test: says who it is, is ill when asked to be, and asks another one by its Service's name."""

import http.server
import os
import sys
import urllib.request

ILL = set()


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/ill/"):
            ILL.add("/" + self.path.rpartition("/")[2])
        status, text = 503 if self.path in ILL else 200, f"{os.environ['HOSTNAME']} {os.environ['WORD']}"
        if self.path.startswith("/ask/"):
            text = urllib.request.urlopen(f"http://{self.path[5:]}", timeout=3).read().decode()
        if self.path == "/who":
            text = self.client_address[0]
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())


print("began", os.environ["WORD"], flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", int(sys.argv[1])), Page).serve_forever()
