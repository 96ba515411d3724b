#!/usr/bin/env python3
"""Runs a command beside real object stores on loopback: `run.py COMMAND…`.

The command finds their URLs and options as JSON in PORTOLAN_TEST_STORAGES. The servers are installed by `.ci/run`; their
data is in a temporary folder, and they end with this program. OSS is a stand-in: an S3 server that checks no signature,
because there is no free server of OSS's own protocol.
"""

import base64
import ctypes
import datetime
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

TOOLS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../target/tools")
HERE = os.path.dirname(os.path.abspath(__file__))
LOOPBACK = "127.0.0.1"


def free_ports(count):
    """Returns different ports that nobody listens on."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Servers:
    """The running servers and their folder."""

    def __init__(self, folder):
        self.folder, self.running, self.leftovers = folder, [], []

    def start(self, name, command, **environment):
        """Starts a server with a log of its own."""
        log = open(os.path.join(self.folder, name + ".log"), "wb")
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder,
            env={**os.environ, **environment}, preexec_fn=end_with_parent,
        )
        self.running.append((name, process))

    def wait(self, ready):
        """Waits until `ready` no longer fails."""
        name, process = self.running[-1]
        deadline = time.monotonic() + 60
        while True:
            try:
                return ready()
            except OSError as error:
                if process.poll() is not None or time.monotonic() > deadline:
                    with open(os.path.join(self.folder, name + ".log"), errors="replace") as log:
                        sys.stderr.write(log.read()[-4000:])
                    sys.exit(f"{name} does not start: {error}")
                time.sleep(0.1)

    def stop(self):
        for _, process in self.running:
            process.kill()
            process.wait()
        for path in self.leftovers:
            if os.path.exists(path):
                os.remove(path)


def send(method, url, body=b"", **headers):
    """Sends a request; fails with OSError for any status but success."""
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body if method != "GET" else None, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as response:
        return response.read()


def answers(url):
    """Fails unless a server answers, with whatever status."""
    try:
        send("GET", url)
    except urllib.error.HTTPError:
        pass


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def s3_request(method, port, path, body=b""):
    """Sends a request with AWS's signature, version 4."""
    now = datetime.datetime.now(datetime.timezone.utc)
    day, moment = now.strftime("%Y%m%d"), now.strftime("%Y%m%dT%H%M%SZ")
    host, payload = f"{LOOPBACK}:{port}", "UNSIGNED-PAYLOAD"
    signed = "host;x-amz-content-sha256;x-amz-date"
    canonical = f"{method}\n{path}\n\nhost:{host}\nx-amz-content-sha256:{payload}\nx-amz-date:{moment}\n\n{signed}\n{payload}"
    scope = f"{day}/us-east-1/s3/aws4_request"
    key = b"AWS4portolan-secret"
    for part in (day, "us-east-1", "s3", "aws4_request"):
        key = sign(key, part)
    text = f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = sign(key, text).hex()
    authorization = f"AWS4-HMAC-SHA256 Credential=portolan/{scope}, SignedHeaders={signed}, Signature={signature}"
    return send(method, f"http://{host}{path}", body, Authorization=authorization, x_amz_date=moment, x_amz_content_sha256=payload)


def s3(servers):
    """SeaweedFS: master, volumes, filer and S3 gateway in one process."""
    port, grpc, *ports = free_ports(8)
    master, master_grpc, volume, volume_grpc, filer, filer_grpc = ports
    data = os.path.join(servers.folder, "s3")
    os.mkdir(data)
    keys = {"accessKey": "portolan", "secretKey": "portolan-secret"}
    identities = {"identities": [{"name": "portolan", "credentials": [keys], "actions": ["Admin"]}]}
    with open(os.path.join(data, "s3.json"), "w") as file:
        json.dump(identities, file)
    for kind, number in (("master", master_grpc), ("volume", volume_grpc), ("filer", filer_grpc), ("s3", grpc)):
        servers.leftovers.append(f"/tmp/seaweedfs-{kind}-grpc-{number}.sock")
    servers.start("s3", [
        os.path.join(TOOLS, "seaweedfs/bin/weed"), "-logtostderr=true", "server", f"-dir={data}", f"-ip={LOOPBACK}",
        f"-ip.bind={LOOPBACK}", "-master.telemetry=false", f"-master.port={master}", f"-master.port.grpc={master_grpc}",
        "-master.electionTimeout=300ms", "-master.volumeSizeLimitMB=128", f"-volume.port={volume}",
        f"-volume.port.grpc={volume_grpc}", "-volume.max=50", "-filer", f"-filer.port={filer}",
        f"-filer.port.grpc={filer_grpc}", f"-filer.localSocket={data}/filer.sock", "-s3", f"-s3.port={port}",
        f"-s3.port.grpc={grpc}", f"-s3.localSocket={data}/s3.sock", "-s3.port.iceberg=0", "-s3.port.lance=0",
        f"-s3.config={data}/s3.json",
    ])
    servers.wait(lambda: s3_request("PUT", port, "/portolan"))
    # The first write creates the volumes.
    servers.wait(lambda: s3_request("PUT", port, "/portolan/ready", b"ready"))
    s3_request("DELETE", port, "/portolan/ready")
    return "s3://portolan", {
        "endpoint": f"http://{LOOPBACK}:{port}", "access_key_id": "portolan", "secret_access_key": "portolan-secret",
    }


def azblob(servers):
    """Azurite."""
    (port,) = free_ports(1)
    raw = b"portolan-test-key-portolan-test-key"
    key = base64.b64encode(raw).decode()
    servers.start("azblob", [
        "node", os.path.join(TOOLS, "azurite/node_modules/azurite/dist/src/blob/main.js"), "--blobHost", LOOPBACK,
        "--blobPort", str(port), "--location", servers.folder, "--disableTelemetry", "--skipApiVersionCheck", "--silent",
    ], AZURITE_ACCOUNTS=f"portolan:{key}")
    endpoint = f"http://{LOOPBACK}:{port}/portolan"
    servers.wait(lambda: answers(endpoint))
    date, version = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime()), "2021-12-02"
    text = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n/portolan/portolan/portolan\nrestype:container"
    # An empty body without a content type, as it is signed.
    request = urllib.request.Request(f"{endpoint}/portolan?restype=container", method="PUT", headers={
        "x-ms-date": date, "x-ms-version": version,
        "Authorization": "SharedKey portolan:" + base64.b64encode(sign(raw, text)).decode(),
    })
    urllib.request.urlopen(request, timeout=10).close()
    return "azblob://portolan", {"endpoint": endpoint, "account_name": "portolan", "account_key": key}


def gcs(servers):
    """fake-gcs-server behind a front that adds what OpenDAL needs."""
    port, inner = free_ports(2)
    servers.start("gcs", [
        os.path.join(TOOLS, "fake-gcs/bin/python"), os.path.join(HERE, "gcs_server.py"),
        os.path.join(servers.folder, "gcs"), str(port), str(inner),
    ])
    endpoint = f"http://{LOOPBACK}:{port}"
    servers.wait(lambda: send("GET", f"{endpoint}/_internal/healthcheck"))
    send("POST", f"{endpoint}/storage/v1/b?project=portolan", b'{"name":"portolan"}', Content_Type="application/json")
    return "gcs://portolan", {"endpoint": endpoint, "token": "any"}


def swift(servers):
    """OpenStack Swift."""
    (port,) = free_ports(1)
    data = os.path.join(servers.folder, "swift")
    os.mkdir(data)
    servers.start("swift", [
        os.path.join(TOOLS, "swift/bin/python"), os.path.join(HERE, "swift_server.py"), data, str(port),
    ])
    root = f"http://{LOOPBACK}:{port}"
    servers.wait(lambda: send("GET", f"{root}/healthcheck"))
    credentials = {"auth_url": f"{root}/auth/v1.0", "auth_user": "portolan:hub", "auth_key": "portolan-secret"}
    request = urllib.request.Request(credentials["auth_url"], headers={
        "X-Auth-User": credentials["auth_user"], "X-Auth-Key": credentials["auth_key"],
    })
    with urllib.request.urlopen(request, timeout=10) as answer:
        token = answer.headers["X-Auth-Token"]
    account = f"{root}/v1/AUTH_portolan"
    send("PUT", f"{account}/portolan", X_Auth_Token=token)
    send("POST", account, X_Auth_Token=token, X_Account_Meta_Temp_URL_Key="portolan-temp")
    return "swift://portolan", {**credentials, "temp_url_key": "portolan-temp"}


def oss(servers):
    """gofakes3, which keeps everything in memory."""
    (port,) = free_ports(1)
    address = f"{LOOPBACK}:{port}"
    servers.start("oss", [
        os.path.join(TOOLS, "bin/gofakes3"), "-host", address, "-backend", "memory", "-initialbucket", "portolan",
    ])
    servers.wait(lambda: answers(f"http://{address}/"))
    return "oss://portolan", {
        "endpoint": f"http://{address}", "addressing_style": "path", "access_key_id": "portolan",
        "access_key_secret": "portolan-secret",
    }


def main():
    with tempfile.TemporaryDirectory(prefix="portolan-stores-") as folder:
        servers = Servers(folder)
        try:
            stores = {}
            for start in (s3, azblob, gcs, swift, oss):
                url, options = start(servers)
                stores[start.__name__] = {"url": url, "options": options}
            environment = {**os.environ, "PORTOLAN_TEST_STORAGES": json.dumps(stores)}
            return subprocess.run(sys.argv[1:], env=environment, check=False).returncode
        finally:
            servers.stop()


if __name__ == "__main__":
    sys.exit(main())
