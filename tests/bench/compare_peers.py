"""The servers that `compare` measures, each with one thread that serves, answering
`Hello, World!` to GET / and keeping its connections.

A peer that Debian packages is asked for under its usual name; what is not installed is skipped."""

import os
import shutil
import socket
import subprocess
import time

PATIENCE = 30  # seconds that no server takes to start or to end

NGINX = """
{user}
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        default_type text/plain;
        location = / {{ return 200 "Hello, World!"; }}
    }}
}}
"""

H2O = """
{user}
num-threads: 1
max-connections: 16384
pid-file: {folder}/h2o.pid
error-log: {folder}/h2o.log
listen: {{ host: 127.0.0.1, port: {port} }}
hosts:
  "*":
    paths:
      "/":
        file.dir: {folder}
        file.index: [ hello.txt ]
"""

GO = """
package main

import (
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		w.Write([]byte("Hello, World!"))
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Args[1], nil))
}
"""

NODE = """
require('http').createServer((request, response) => {
	response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': 13 });
	response.end('Hello, World!');
}).listen(Number(process.argv[2]), '127.0.0.1', 4096);
"""


class Missing(Exception):
    """This peer cannot be measured here; says why."""


def find(program):
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin:/sbin")
    if path is None:
        raise Missing("not installed")
    return path


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def weft(build, folder, port):
    return [f"{build}/examples/hello", "--listen", f"127.0.0.1:{port}", "--workers", "1"]


def nginx(build, folder, port):
    program = find("nginx")
    user = "user root;" if os.geteuid() == 0 else ""
    config = write(folder, "nginx.conf", NGINX.format(folder=folder, port=port, user=user))
    return [program, "-p", folder, "-c", config, "-e", f"{folder}/nginx.log"]


def h2o(build, folder, port):
    program = find("h2o")
    user = "user: root" if os.geteuid() == 0 else ""
    write(folder, "hello.txt", "Hello, World!")
    config = write(folder, "h2o.conf", H2O.format(folder=folder, port=port, user=user))
    return [program, "-m", "worker", "-c", config]


def go(build, folder, port):
    program, binary = find("go"), os.path.join(folder, "go_server")
    source = write(folder, "go_server.go", GO)
    settings = dict(os.environ, GOCACHE=f"{folder}/go", GO111MODULE="off", HOME=folder)
    built = subprocess.run(
        [program, "build", "-o", binary, source], env=settings, capture_output=True, text=True
    )
    if built.returncode != 0:
        raise Missing("go build failed: " + (built.stderr.splitlines() or ["?"])[-1])
    return [binary, str(port)]


def node(build, folder, port):
    return [find("node"), write(folder, "node_server.js", NODE), str(port)]


PEERS = {"weft": weft, "nginx": nginx, "h2o": h2o, "Go net/http": go, "Node": node}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server, pinned to one CPU."""

    def __init__(self, name, command, port, cpu):
        self.name, self.port = name, port
        self.log = open(os.devnull, "w")
        self.process = subprocess.Popen(
            command,
            stdout=self.log,
            stderr=self.log,
            env=dict(os.environ, GOMAXPROCS="1"),
            preexec_fn=lambda: os.sched_setaffinity(0, {cpu}),
        )
        try:
            self._wait()
        except Missing:
            self.stop()
            raise

    def _wait(self):
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise Missing(f"ended with status {self.process.returncode} instead of serving")
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise Missing("does not answer")

    def pids(self):
        """Its process and all that it started."""
        found = [self.process.pid]
        for pid in found:
            for task in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
                    found += map(int, file.read().split())
        return found

    def memory(self):
        """Bytes of memory that are its own, not the kernel's and no file's."""
        total = 0
        for pid in self.pids():
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
                total += sum(
                    int(line.split()[1]) for line in file if line.startswith("Anonymous:")
                )
        return total * 1024

    def answer(self):
        """The bytes it answers a GET with."""
        with socket.create_connection(("127.0.0.1", self.port), PATIENCE) as s:
            s.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: keep-alive\r\n\r\n")
            data = b""
            while not data.endswith(b"Hello, World!"):
                more = s.recv(4096)
                if not more:
                    raise Missing("closes the connection")
                data += more
            return data

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
