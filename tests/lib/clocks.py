"""Processes whose time of day a test sets: clock_shim.c, compiled into a folder.

    clocks = Clocks(folder)
    subprocess.Popen([...], env={**os.environ, **clocks.environment("a node")})
    clocks.turn("a node", -400)     by days, from now on
"""
import os
import struct
import subprocess

DAY = 24 * 3600


class Clocks:
    def __init__(self, folder):
        self.folder, self.shim = folder, os.path.join(folder, "clock_shim.so")
        subprocess.run(["cc", "-std=gnu17", "-O1", "-Wall", "-Werror", "-shared", "-fPIC",
                        os.path.join(os.path.dirname(os.path.abspath(__file__)), "clock_shim.c"), "-o", self.shim, "-ldl"], check=True)

    def environment(self, name):
        self.turn(name, 0)
        return {"LD_PRELOAD": self.shim, "VONK_CLOCK_FILE": os.path.join(self.folder, name)}

    def turn(self, name, days):
        path = os.path.join(self.folder, name)
        with open(path, "r+b" if os.path.exists(path) else "wb") as f:
            f.write(struct.pack("q", days * DAY))
