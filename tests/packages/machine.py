"""A machine to install packages on: this one, with every change in memory and lost at the end.

Its root is an overlay over the root of the real machine, in mount points of its own. It has the real package manager, the
real users and the real libraries, and no systemd is running in it.
"""

import re
import shlex
import subprocess

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

SET_UP = """
set -e
mount -t tmpfs domesday-packages {base}
mkdir {base}/changes {base}/work {base}/root
mount -t overlay overlay -o lowerdir=/,upperdir={base}/changes,workdir={base}/work {base}/root
mount --rbind /dev {base}/root/dev
mount -t proc proc {base}/root/proc
mount -t tmpfs tmpfs {base}/root/run
mount -t tmpfs tmpfs {base}/root/tmp
mount --bind {packages} {base}/root/mnt
# Each installation would index all manual pages of the machine.
rm -f {base}/root/var/lib/man-db/auto-update
echo ready
exec cat
"""


class NotPossible(Exception):
    """The user may not mount, or the system has no overlays."""


class Machine:
    def __init__(self, packages, folder):
        self.base = folder / "machine"
        self.base.mkdir()
        self.services = []
        script = SET_UP.format(base=shlex.quote(str(self.base)), packages=shlex.quote(str(packages)))
        # It lives until its input is closed, and its mounts with it.
        self.holder = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        answer = self.holder.stdout.readline().strip()
        if answer != "ready":
            self.holder.communicate()
            raise NotPossible(answer)
        if self.is_installed("domesday"):
            self.close()
            raise NotPossible("domesday is installed on this machine")

    def enter(self, root=True):
        """The beginning of a command line on the machine; without its root, of one that sees both."""
        enter = ["nsenter", "--mount", f"--target={self.holder.pid}", "--"]
        return [*enter, "chroot", str(self.base / "root")] if root else enter

    def command(self, script, user=None, **variables):
        """The command line of a script on the machine, as root or as another user."""
        setpriv = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        environment = {"PATH": PATH, "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive", **variables}
        names = [f"{name}={value}" for name, value in environment.items()]
        return [*self.enter(), *setpriv, "env", "--ignore-environment", *names, "sh", "-ec", script]

    def run(self, script, user=None, stdin="", **variables):
        """Runs a script on the machine and returns what it prints."""
        command = self.command(script, user, **variables)
        done = subprocess.run(command, input=stdin, capture_output=True, text=True)
        assert done.returncode == 0, f"{script}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def is_installed(self, program):
        found = subprocess.run(self.command(f"command -v {program}"), capture_output=True)
        return found.returncode == 0

    def changed(self, name):
        """The paths with such a name that have come into being on the machine, or were changed."""
        find = ["find", str(self.base / "changes"), "-name", name, "!", "-type", "c", "-printf", "/%P\\n"]
        done = subprocess.run([*self.enter(root=False), *find], capture_output=True, text=True, check=True)
        return sorted(done.stdout.split())

    def exists(self, path):
        return self.run(f"if [ -e {path} ]; then echo yes; fi") == "yes\n"

    def owner_and_mode(self, path):
        return self.run(f"stat --format='%U:%G %a' {path}").strip()

    def start_service(self, unit="/usr/lib/systemd/system/domesday.service"):
        """Starts a unit as systemd does: its command, as its user, with its directories, credential and variables."""
        settings = {}
        for name, value in re.findall(r"^(\w+)=(.*)$", self.run(f"cat {unit}"), re.M):
            settings.setdefault(name, []).append(value)
        (user,), (state,), (mode,) = settings["User"], settings["StateDirectory"], settings["StateDirectoryMode"]
        credentials = "/run/credentials/domesday.service"
        self.run(f"install -d -o {user} -g {user} -m {mode} /var/lib/{state}")
        self.run(f"install -d -o {user} -m 0500 {credentials}")
        for credential in settings["LoadCredential"]:
            name, source = credential.split(":")
            self.run(f"install -o {user} -m 0400 {source} {credentials}/{name}")
        variables = dict(variable.split("=", 1) for variable in settings["Environment"])
        specifiers = {"%d": credentials, "%S": "/var/lib"}
        for name, value in variables.items():
            for specifier, stands_for in specifiers.items():
                value = value.replace(specifier, stands_for)
            variables[name] = value
        (command,) = settings["ExecStart"]
        assert command.startswith("/"), "a unit of a package starts a program by its path"
        log = open(self.base.parent / f"service-{len(self.services)}.log", "w+")
        service = subprocess.Popen(
            self.command(f"cd / && umask 0077 && exec {command}", user, **variables), stdout=log, stderr=log
        )
        self.services.append(service)
        return service, log

    def close(self):
        for service in self.services:
            if service.poll() is None:
                service.kill()
                service.wait()
        self.holder.communicate()
