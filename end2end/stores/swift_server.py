"""OpenStack Swift in one process: proxy, account, container and object servers with one replica, and tempauth.

Arguments: a folder and a port.
"""

import os
import sys
import time

import eventlet
from swift.common import utils

eventlet.hubs.use_hub(utils.get_hub())
utils.eventlet_monkey_patch()

from eventlet import wsgi  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.common.wsgi import SwiftHttpProtocol, loadapp  # noqa: E402

folder, port = sys.argv[1], int(sys.argv[2])
FILTERS = ["catch_errors", "gatekeeper", "healthcheck", "listing_formats", "bulk", "tempurl", "tempauth", "copy", "slo", "dlo"]
BASE = f"""[DEFAULT]
swift_dir = {folder}
devices = {folder}
mount_check = false
fallocate_reserve = 0
disable_fallocate = true
log_level = ERROR
"""


class Cache:
    """What memcached would be."""

    def __init__(self):
        self.values = {}

    def get(self, key, **_):
        value, until = self.values.get(key, (None, 0))
        return None if until and until < time.time() else value

    def set(self, key, value, **options):
        self.values[key] = (value, options.get("time") and options["time"] + time.time())

    def delete(self, key, **_):
        self.values.pop(key, None)


def write(name, text):
    with open(os.path.join(folder, name), "w") as file:
        file.write(text)


def serve(listener, app):
    return eventlet.spawn(
        wsgi.server, listener, app, utils.NullLogger(), protocol=SwiftHttpProtocol, capitalize_response_headers=False
    )


os.environ["TZ"] = "UTC+0"
time.tzset()
os.makedirs(os.path.join(folder, "d1"))
write("swift.conf", "[swift-hash]\nswift_hash_path_suffix = portolan\n")
utils.set_swift_dir(folder)
utils.validate_hash_conf()
listeners = {kind: eventlet.listen(("127.0.0.1", 0)) for kind in ("account", "container", "object")}
for kind, listener in listeners.items():
    ring = RingBuilder(1, 1, 0)
    address = listener.getsockname()
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "ip": address[0], "port": address[1], "device": "d1"})
    ring.rebalance()
    ring.get_ring().save(os.path.join(folder, kind + ".ring.gz"))
    write(kind + ".conf", BASE + f"[app:main]\nuse = egg:swift#{kind}\n")
for kind, listener in listeners.items():
    serve(listener, loadapp(os.path.join(folder, kind + ".conf")))
proxy = BASE + f"[pipeline:main]\npipeline = {' '.join(FILTERS)} proxy\n"
proxy += "[app:proxy]\nuse = egg:swift#proxy\naccount_autocreate = true\n"
for name in FILTERS:
    proxy += f"[filter:{name}]\nuse = egg:swift#{name}\n"
    if name == "tempauth":
        proxy += "user_portolan_hub = portolan-secret .admin\n"
write("proxy.conf", proxy)
app, cache = loadapp(os.path.join(folder, "proxy.conf")), Cache()
serve(eventlet.listen(("127.0.0.1", port)), lambda env, start: app({**env, "swift.cache": cache}, start)).wait()
