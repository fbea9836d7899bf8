"""A directory: OpenLDAP's server with people and groups, over TLS with an authority of its own."""

import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import pytest
from waiting import free_port

SUFFIX = "dc=acme,dc=example"
READER = f"cn=reader,{SUFFIX}"
PASSWORD = "reader's secret"
ADMIN = ["-x", "-D", f"cn=admin,{SUFFIX}", "-w", "secret"]
PATH = os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin"


class Directory:
    def __init__(self, people):
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="domesday-ldap-"))
        self.authority = self.home / "ca.pem"
        self.port, self.plain = free_port(), free_port()
        self.url = f"ldaps://localhost:{self.port}"
        self._certificates()
        (self.home / "data").mkdir()
        (self.home / "slapd.conf").write_text(self._configuration())
        (self.home / "people.ldif").write_text(entries(people))
        self._run("slapadd", "-q", "-f", "slapd.conf", "-l", "people.ldif")
        addresses = f"ldap://127.0.0.1:{self.plain} ldaps://127.0.0.1:{self.port}"
        self.log = open(self.home / "log", "w")
        command = [shutil.which("slapd", path=PATH), "-d", "0", "-f", "slapd.conf", "-h", addresses]
        self.process = subprocess.Popen(command, cwd=self.home, stdout=self.log, stderr=self.log)
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError((self.home / "log").read_text())

    def _run(self, *command):
        program = shutil.which(command[0], path=PATH)
        assert program, f"{command[0]} is not there: install slapd and ldap-utils"
        done = subprocess.run([program, *command[1:]], cwd=self.home, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def _certificates(self):
        key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30".split()
        is_authority = ["-addext", "basicConstraints=critical,CA:TRUE"]
        self._run("openssl", "req", "-x509", *key, "-subj", "/CN=Acme CA", "-keyout", "ca.key", "-out", "ca.pem",
                  *is_authority)
        self._run("openssl", "req", *key, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
        (self.home / "extensions").write_text("subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n")
        self._run("openssl", "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "30",
                  "-extfile", "extensions", "-out", "server.crt")

    def _configuration(self):
        schemas = "".join(f"include /etc/ldap/schema/{name}.schema\n" for name in ["core", "cosine", "inetorgperson"])
        return f"""{schemas}modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {self.home}/pid
TLSCACertificateFile {self.home}/ca.pem
TLSCertificateFile {self.home}/server.crt
TLSCertificateKeyFile {self.home}/server.key
database mdb
suffix "{SUFFIX}"
rootdn "cn=admin,{SUFFIX}"
rootpw secret
directory {self.home}/data
maxsize 1073741824
access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
"""

    def change(self, ldif):
        file = self.home / "change.ldif"
        file.write_text(ldif)
        self._run("ldapmodify", *ADMIN, "-H", f"ldap://127.0.0.1:{self.plain}", "-f", str(file))

    def delete(self, *usernames):
        names = [f"uid={username},ou=People,{SUFFIX}" for username in usernames]
        self._run("ldapdelete", *ADMIN, "-H", f"ldap://127.0.0.1:{self.plain}", *names)

    def connection(self, **more):
        """A connection to it, as the API takes it."""
        return {
            "kind": "ldap",
            "url": self.url,
            "bindDn": READER,
            "password": PASSWORD,
            "users": {"base": f"ou=People,{SUFFIX}"},
            "groups": {"base": f"ou=Groups,{SUFFIX}"},
            **more,
        }

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)
        shutil.rmtree(self.home, ignore_errors=True)


def entries(people):
    blocks = [
        f"dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\no: Acme\ndc: acme",
        f"dn: ou=People,{SUFFIX}\nobjectClass: organizationalUnit\nou: People",
        f"dn: ou=Groups,{SUFFIX}\nobjectClass: organizationalUnit\nou: Groups",
        f"dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: reader\n"
        f"userPassword: {PASSWORD}",
    ]
    for number in range(people):
        blocks.append(
            f"dn: uid=p{number},ou=People,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: p{number}\ncn: Person {number}\n"
            f"sn: {number}\nmail: p{number}@acme.example"
        )
    members = "\n".join(f"member: uid=p{number},ou=People,{SUFFIX}" for number in range(0, people, 2))
    blocks.append(f"dn: cn=Even,ou=Groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: Even\n{members}")
    return "\n\n".join(blocks) + "\n"


@pytest.fixture
def directory():
    started = []

    def start(people=40):
        started.append(Directory(people))
        return started[-1]

    yield start
    for one in started:
        one.stop()
