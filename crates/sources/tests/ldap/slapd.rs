//! OpenLDAP's server of the tests' own: in a temporary directory, on free ports, gone with the tests.

use std::fmt::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// Makes certificates, loads the entries, starts the server, and stops it when its standard input ends.
const SCRIPT: &str = r#"
set -eu
trap '' INT
dir=$1 plain=$2 tls=$3
PATH=$PATH:/usr/sbin:/usr/local/sbin
{
    cd "$dir"
    key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
    openssl req -x509 $key -subj "/CN=Acme Private CA" -keyout ca.key -out ca.pem \
        -addext basicConstraints=critical,CA:TRUE
    openssl req $key -subj /CN=localhost -keyout server.key -out server.csr
    printf 'subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n' > server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 30 -extfile server.ext -out server.crt
    mkdir acme moving
    slapadd -q -f slapd.conf -b dc=acme,dc=example -l acme.ldif
    slapadd -q -f slapd.conf -b dc=moving -l moving.ldif
} > "$dir/log" 2>&1
slapd -d 0 -f "$dir/slapd.conf" -h "ldap://127.0.0.1:$plain ldaps://127.0.0.1:$tls" >> "$dir/log" 2>&1 &
pid=$!
echo $pid > "$dir/pid"
cat > /dev/null
kill -TERM $pid 2>/dev/null || true
wait $pid || true
rm -rf "$dir"
"#;

/// How many people the shared directory has.
pub(crate) const PEOPLE: usize = 10_000;

/// A running server.
pub(crate) struct Slapd {
    dir: PathBuf,
    plain: u16,
    tls: u16,
    _script: Child,
}

impl Slapd {
    /// The one server of this run of the tests.
    pub(crate) fn shared() -> &'static Self {
        static SERVER: OnceLock<Slapd> = OnceLock::new();
        SERVER.get_or_init(|| Self::start(PEOPLE))
    }

    /// Starts a server with a number of people.
    pub(crate) fn start(people: usize) -> Self {
        let found = ["/usr/sbin", "/usr/local/sbin", "/usr/bin"]
            .iter()
            .any(|dir| Path::new(dir).join("slapd").exists());
        assert!(found, "slapd is not there: install it (Debian: apt-get install slapd ldap-utils)");
        let dir = tempfile::Builder::new().prefix("ldap").tempdir().unwrap().keep();
        std::fs::write(dir.join("slapd.conf"), configuration(&dir)).unwrap();
        std::fs::write(dir.join("acme.ldif"), acme(people)).unwrap();
        std::fs::write(dir.join("moving.ldif"), moving()).unwrap();
        let (plain, tls) = (free_port(), free_port());
        let mut script = Command::new("sh");
        script.args(["-c", SCRIPT, "sh"]).arg(&dir).arg(plain.to_string()).arg(tls.to_string());
        let script = script.stdin(Stdio::piped()).spawn().unwrap();
        let server = Self { dir, plain, tls, _script: script };
        for _ in 0..3600 {
            if TcpStream::connect(("127.0.0.1", tls)).is_ok() {
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(server.dir.join("log")).unwrap_or_default();
        panic!("slapd did not start:\n{log}");
    }

    /// The URL with TLS from the start.
    pub(crate) fn ldaps(&self) -> String {
        format!("ldaps://localhost:{}", self.tls)
    }

    /// The URL with StartTLS.
    pub(crate) fn ldap(&self) -> String {
        format!("ldap://localhost:{}", self.plain)
    }

    /// The port with TLS.
    pub(crate) fn tls_port(&self) -> u16 {
        self.tls
    }

    /// The port without TLS.
    pub(crate) fn plain_port(&self) -> u16 {
        self.plain
    }

    /// The certificate of the authority.
    pub(crate) fn authority(&self) -> Vec<u8> {
        std::fs::read(self.dir.join("ca.pem")).unwrap()
    }

    /// Ends the server as a crash does.
    pub(crate) fn kill(&self) {
        let pid = std::fs::read_to_string(self.dir.join("pid")).unwrap();
        let status = Command::new("kill").args(["-9", pid.trim()]).status().unwrap();
        assert!(status.success());
    }

    /// Changes the directory that tests may change.
    pub(crate) fn modify(&self, ldif: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), ldif).unwrap();
        let status = Command::new("ldapmodify")
            .args(["-x", "-D", "cn=admin,dc=moving", "-w", "secret"])
            .args(["-H", &format!("ldap://127.0.0.1:{}", self.plain), "-f"])
            .arg(file.path())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

fn configuration(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {dir}/slapd.pid
TLSCACertificateFile {dir}/ca.pem
TLSCertificateFile {dir}/server.crt
TLSCertificateKeyFile {dir}/server.key

database mdb
suffix dc=acme,dc=example
directory {dir}/acme
maxsize 1073741824
require authc
limits dn.exact=cn=reader,dc=acme,dc=example size=unlimited
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree=ou=Hidden,dc=acme,dc=example by * none
access to * by * read

database mdb
suffix dc=moving
rootdn cn=admin,dc=moving
rootpw secret
directory {dir}/moving
maxsize 104857600
access to * by * read
"
    )
}

fn entry(text: &mut String, dn: &str, lines: &[&str]) {
    writeln!(text, "dn: {dn}").unwrap();
    for line in lines {
        writeln!(text, "{line}").unwrap();
    }
    text.push('\n');
}

const ORGANIZATION: [&str; 1] = ["objectClass: organizationalUnit"];

/// The directory that no test changes. The first person manages all others. `Everybody` holds all; `Staff` holds the
/// group `Engineering`, which holds `Staff` again and the people 0 to 9; `Unique` holds the people 5 to 14.
fn acme(people: usize) -> String {
    let mut text = String::new();
    entry(
        &mut text,
        "dc=acme,dc=example",
        &["objectClass: dcObject", "objectClass: organization", "o: Acme", "dc: acme"],
    );
    for account in ["reader", "limited"] {
        let cn = format!("cn: {account}");
        let lines = [
            "objectClass: organizationalRole",
            "objectClass: simpleSecurityObject",
            &cn,
            "userPassword: secret",
        ];
        entry(&mut text, &format!("cn={account},dc=acme,dc=example"), &lines);
    }
    for unit in ["People", "Groups", "Odd", "Hidden", "Empty"] {
        entry(&mut text, &format!("ou={unit},dc=acme,dc=example"), &ORGANIZATION);
    }
    let person = |number: usize| format!("uid=u{number:05},ou=People,dc=acme,dc=example");
    for number in 0..people {
        let lines = [
            "objectClass: inetOrgPerson".to_owned(),
            format!("uid: u{number:05}"),
            format!("cn: Person {number}"),
            "sn: Person".to_owned(),
            format!("displayName: Ünïcode Person {number}"),
            format!("mail: u{number:05}@acme.example"),
            format!("employeeNumber: {}", 100_000 + number),
            format!("departmentNumber: D{}", number % 40),
            format!("title: Engineer {}", number % 7),
            format!("manager: {}", person(0)),
            format!("l: City {}", number % 3),
            "l: Everywhere".to_owned(),
        ];
        entry(&mut text, &person(number), &lines.each_ref().map(String::as_str));
    }
    let group = |text: &mut String,
                 name: &str,
                 class: &str,
                 attribute: &str,
                 members: &mut dyn Iterator<Item = String>| {
        let mut lines = vec![format!("objectClass: {class}"), format!("cn: {name}")];
        lines.extend(members.map(|member| format!("{attribute}: {member}")));
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        entry(text, &format!("cn={name},ou=Groups,dc=acme,dc=example"), &lines);
    };
    let of_names = ("groupOfNames", "member");
    let unique = ("groupOfUniqueNames", "uniqueMember");
    let named = |name: &str| format!("cn={name},ou=Groups,dc=acme,dc=example");
    group(&mut text, "Everybody", of_names.0, of_names.1, &mut (0..people).map(person));
    group(&mut text, "Staff", of_names.0, of_names.1, &mut [named("Engineering")].into_iter());
    let engineers = (0..10).map(person).chain([named("Staff"), "cn=gone,dc=acme,dc=example".to_owned()]);
    group(&mut text, "Engineering", of_names.0, of_names.1, &mut engineers.into_iter());
    group(&mut text, "Unique", unique.0, unique.1, &mut (5..15).map(|number| person(number) + "#'01'B"));
    odd(&mut text);
    text
}

/// Entries that cannot become users.
fn odd(text: &mut String) {
    let base = ["objectClass: inetOrgPerson", "sn: Odd"];
    let mut person = |dn: &str, lines: &[&str]| {
        let all: Vec<&str> = base.iter().chain(lines).copied().collect();
        entry(text, &format!("{dn},ou=Odd,dc=acme,dc=example"), &all);
    };
    let long = format!("title: {}", "x".repeat(300));
    person("cn=fine", &["cn: fine", "uid: fine"]);
    person("cn=nameless", &["cn: nameless"]);
    person("cn=twin one", &["cn: twin one", "uid: Twin"]);
    person("cn=twin two", &["cn: twin two", "uid: tWIN"]);
    person("cn=long", &["cn: long", "uid: long", &long]);
    person("cn=reserved", &["cn: reserved", "uid: Administrator"]);
    // A photograph as an attribute: bytes that are not UTF-8.
    person("cn=binary", &["cn: binary", "uid: binary", "jpegPhoto:: //79/A=="]);
    person("cn=large", &["cn: large", "uid: large", &format!("description: {}", "y".repeat(70_000))]);
    // Two values, of which the name has one.
    person("uid=second", &["cn: second", "uid: first", "uid: second"]);
}

/// The directory that tests change.
fn moving() -> String {
    let mut text = String::new();
    entry(
        &mut text,
        "dc=moving",
        &["objectClass: dcObject", "objectClass: organization", "o: Moving", "dc: moving"],
    );
    for unit in ["A", "B"] {
        entry(&mut text, &format!("ou={unit},dc=moving"), &ORGANIZATION);
    }
    for uid in ["renamed", "moved", "still"] {
        let lines = [
            "objectClass: inetOrgPerson".to_owned(),
            format!("uid: {uid}"),
            "cn: x".to_owned(),
            "sn: x".to_owned(),
        ];
        entry(&mut text, &format!("uid={uid},ou=A,dc=moving"), &lines.each_ref().map(String::as_str));
    }
    text
}
