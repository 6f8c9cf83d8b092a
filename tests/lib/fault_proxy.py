#!/usr/bin/env python3
"""A bad network between processes that know nothing of it.

    with FaultNet(seed=7) as net:           a network namespace of its own, with loopback alone
        net.popen([...])                    a process in it
        net.faults(delay_ms=20, lose=0.2)   from now on; net.faults() is a good network again

Every TCP connection that is made in the namespace goes through a proxy (nftables redirects it, SO_ORIGINAL_DST
says where it was to go), which from a seed

    delay_ms   holds each message back for 0 to so many milliseconds
    lose       forgets a message (a probability, as the next three)
    repeat     sends it twice
    flip       changes one bit of it
    reset      ends the connection instead
    cut        nothing gets through, both ways: "both"; or one: "up" (from who has connected), "down"
    ports      only connections to these ports; without it to all

A message is a frame of Vonk's (4 bytes of length, 4 of what follows that, 8 of hash, then all of these), as long as the stream looks like that: without a
secret. Of an encrypted stream it is what the kernel gave at once; it cannot lose or repeat a part of that unseen.

Needs root and nft: FaultNet.why_not() says what is missing, or None.
"""
import asyncio
import json
import os
import random
import shutil
import socket
import struct
import subprocess
import sys

SO_ORIGINAL_DST, SO_MARK, MARK, PORT, HELLO, HEAD = 80, 36, 0x76, 9, b"VRPC", 16
FRAME_MAX = 64 << 20


# --- the proxy, a process in the namespace ---

class Pipe:
    """One direction of one connection."""

    def __init__(self, proxy, name, port, reader, writer):
        self.proxy, self.name, self.port, self.reader, self.writer = proxy, name, port, reader, writer
        self.random = random.Random(f"{proxy.seed} {proxy.count} {name}")
        self.is_framed = None
        self.waiting = b""

    def faults(self):
        faults = self.proxy.faults
        return faults if self.port in faults.get("ports", [self.port]) else {}

    def messages(self, data):
        """What is whole of the stream so far."""
        self.waiting += data
        if self.is_framed is None:
            if len(self.waiting) < 8:
                return
            yield self.waiting[:8]  # the hello
            self.is_framed = self.waiting[:4] == HELLO and self.waiting[5] == 0
            self.waiting = self.waiting[8:]
        while self.is_framed and len(self.waiting) >= 8:
            length = HEAD + sum(struct.unpack(">II", self.waiting[:8]))
            if length > FRAME_MAX:
                self.is_framed = False
            elif len(self.waiting) < length:
                return
            else:
                yield self.waiting[:length]
                self.waiting = self.waiting[length:]
        if not self.is_framed and self.waiting:
            yield self.waiting
            self.waiting = b""

    async def pass_on(self, message):
        faults, draw = self.faults(), self.random.random
        while self.faults().get("cut") in ("both", self.name):
            await asyncio.sleep(0.05)
        if faults.get("delay_ms"):
            await asyncio.sleep(draw() * faults["delay_ms"] / 1000)
        if draw() < faults.get("lose", 0):
            self.proxy.done["lost"] += 1
            return
        if draw() < faults.get("reset", 0):
            self.proxy.done["reset"] += 1
            raise ConnectionResetError
        if draw() < faults.get("flip", 0):
            bits = bytearray(message)
            bits[self.random.randrange(len(bits))] ^= 1 << self.random.randrange(8)
            message = bytes(bits)
            self.proxy.done["flipped"] += 1
        self.writer.write(message)
        if draw() < faults.get("repeat", 0):
            self.writer.write(message)
            self.proxy.done["repeated"] += 1
        await self.writer.drain()

    async def run(self):
        while data := await self.reader.read(1 << 16):
            for message in self.messages(data):
                await self.pass_on(message)
        if self.waiting:
            self.writer.write(self.waiting)
        self.writer.write_eof()


class Proxy:
    def __init__(self, seed):
        self.seed, self.count, self.faults = seed, 0, {}
        self.done = {"connections": 0, "lost": 0, "repeated": 0, "flipped": 0, "reset": 0}

    async def serve(self, reader, writer):
        raw = writer.get_extra_info("socket").getsockopt(socket.SOL_IP, SO_ORIGINAL_DST, 16)
        port, host = struct.unpack("!2xH4s8x", raw)
        out = socket.socket()
        out.setsockopt(socket.SOL_SOCKET, SO_MARK, MARK)
        out.setblocking(False)
        self.count += 1
        self.done["connections"] += 1
        tasks, far = [], None
        try:
            await asyncio.get_running_loop().sock_connect(out, (socket.inet_ntoa(host), port))
            far_reader, far = await asyncio.open_connection(sock=out)
            tasks = [asyncio.ensure_future(pipe.run()) for pipe in (
                Pipe(self, "up", port, reader, far), Pipe(self, "down", port, far_reader, writer))]
            await asyncio.gather(*tasks)
        except OSError:
            out.close()
        for task in tasks:
            task.cancel()
        for end in (writer, far):
            if end is not None:
                end.close()

    async def obey(self):
        """Lines of JSON from standard input: the faults from now on. Answered by what was done so far."""
        loop = asyncio.get_running_loop()
        lines = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
        print("ready", flush=True)
        while line := await lines.readline():
            self.faults = json.loads(line)
            print(json.dumps(self.done), flush=True)

    async def main(self):
        server = await asyncio.start_server(self.serve, "127.0.0.1", PORT, backlog=1024)
        await self.obey()
        server.close()


# --- who uses it ---

RULES = f"""table ip faults {{
    chain out {{
        type nat hook output priority -100; policy accept;
        ip daddr 127.0.0.0/8 tcp dport != {PORT} meta mark != {MARK} redirect to :{PORT}
    }}
}}
"""


class FaultNet:
    made = 0

    def __init__(self, seed=1):
        FaultNet.made += 1
        self.name, self.seed = f"vonk-faults-{os.getpid()}-{FaultNet.made}", seed

    @staticmethod
    def why_not():
        if os.geteuid() != 0:
            return "only root makes network namespaces"
        for tool in ("ip", "nft"):
            if shutil.which(tool) is None:
                return f"{tool} is not installed"
        name = f"vonk-faults-{os.getpid()}"
        try:
            subprocess.run(["ip", "netns", "add", name], check=True, capture_output=True)
            subprocess.run(["ip", "netns", "exec", name, "nft", "-f", "-"], input=RULES, text=True, check=True, capture_output=True)
        except subprocess.CalledProcessError as error:
            return f"this machine has no such namespaces: {error.stderr}"
        finally:
            subprocess.run(["ip", "netns", "del", name], capture_output=True)
        return None

    def command(self, command):
        return ["ip", "netns", "exec", self.name, *command]

    def popen(self, command, **options):
        return subprocess.Popen(self.command(command), **options)

    def run(self, command, **options):
        return subprocess.run(self.command(command), **options)

    def __enter__(self):
        subprocess.run(["ip", "netns", "add", self.name], check=True)
        self.run(["ip", "link", "set", "lo", "up"], check=True)
        self.run(["nft", "-f", "-"], input=RULES, text=True, check=True)
        self.proxy = self.popen([sys.executable, os.path.abspath(__file__), str(self.seed)], stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True)
        assert self.proxy.stdout.readline() == "ready\n"
        return self

    def faults(self, **faults):
        """From now on. Returns how many there were so far, of each kind."""
        self.proxy.stdin.write(json.dumps(faults) + "\n")
        self.proxy.stdin.flush()
        return json.loads(self.proxy.stdout.readline())

    def __exit__(self, *_):
        self.proxy.stdin.close()
        self.proxy.wait(10)
        subprocess.run(["ip", "netns", "del", self.name], check=True)


if __name__ == "__main__":
    asyncio.run(Proxy(sys.argv[1]).main())
