"""A ZooKeeper server of a test's own, on loopback, from Debian's libzookeeper-java. It takes about two seconds to start.

    with zookeeper.Server() as server: ... server.address ...
"""
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

JAR = "/usr/share/java/zookeeper.jar"
TICK_MS = 500  # sessions of two seconds are those that Vonk asks for
_given = set()  # ports


def why_not():
    """What is missing here to start one, or None."""
    if shutil.which("java") is None:
        return "there is no java here: default-jre-headless"
    return None if os.path.exists(JAR) else f"there is no {JAR}: libzookeeper-java"


def free_port():
    """One that a server can have again after it was killed: no connection is given it meanwhile, as it lies below those that the system deals out.
    Another one each time: who asked for it may not listen yet."""
    while True:
        port = random.randrange(12000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


class Server:
    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="vonk-zookeeper-")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        with open(f"{self.folder}/zoo.cfg", "w") as f:
            f.write(f"tickTime={TICK_MS}\ndataDir={self.folder}/data\nclientPortAddress=127.0.0.1\nclientPort={self.port}\n"
                    "admin.enableServer=false\nmaxClientCnxns=0\nforceSync=no\n")
        self.start()
        return self

    def start(self, patience=60):
        """Also again, after kill()."""
        with open(f"{self.folder}/log", "a") as log:
            self.process = subprocess.Popen(
                ["java", "-Xmx96m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", JAR,
                 "org.apache.zookeeper.server.quorum.QuorumPeerMain", f"{self.folder}/zoo.cfg"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + patience
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                with open(f"{self.folder}/log") as log:
                    raise RuntimeError(f"ZooKeeper does not start: {log.read()[-2000:]}")
            time.sleep(0.05)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"srvr")
                return b"Mode" in connection.recv(4096)
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def __exit__(self, *_):
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
