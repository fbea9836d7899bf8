//! Active Directory's conventions, against Samba as a domain controller.
//!
//! It answers only on the ports that the protocol has, so it needs the right to open them, on an address of the loopback
//! network that nothing else uses. `cargo xtask` runs this where it can; it is left out of `cargo test`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domesday_model::{LdapConnection, User, UserStatus};
use domesday_sources::ldap::{DirectoryKind, LdapError, read, verify};
use domesday_sources::reading::Reading;

use crate::{access, mapped, search};

const HOST: &str = "127.0.0.77";
const DOMAIN: &str = "DC=acme,DC=example";
const ADMINISTRATOR: &str = "Administrator@acme.example";
const PASSWORD: &str = "Passw0rd.x1";

/// More than a page.
const PEOPLE: usize = 520;

/// Makes a certificate, creates the domain, starts the server, and stops it when its standard input ends.
const SCRIPT: &str = r#"
set -eu
trap '' INT
dir=$1 host=$2 password=$3
PATH=$PATH:/usr/sbin:/usr/local/sbin
{
    cd "$dir"
    key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
    openssl req -x509 $key -subj "/CN=Acme Private CA" -keyout ca.key -out ca.pem \
        -addext basicConstraints=critical,CA:TRUE
    openssl req $key -subj /CN=dc -keyout server.key -out server.csr
    printf "subjectAltName=IP:$host\nbasicConstraints=critical,CA:FALSE\n" > server.ext
    openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -days 30 -extfile server.ext -out server.crt
    chmod 600 server.key
    samba-tool domain provision --realm=ACME.EXAMPLE --domain=ACME --server-role=dc --dns-backend=NONE \
        --host-name=dc "--adminpass=$password" "--targetdir=$dir/ad"
    mkdir run
    cat > smb.conf <<END
[global]
    netbios name = DC
    realm = ACME.EXAMPLE
    workgroup = ACME
    server role = active directory domain controller
    server services = ldap
    dcerpc endpoint servers =
    interfaces = $host/8
    bind interfaces only = yes
    private dir = $dir/ad/private
    state directory = $dir/ad/state
    cache directory = $dir/ad/cache
    lock directory = $dir/ad
    pid directory = $dir/run
    ncalrpc dir = $dir/run/ncalrpc
    log file = $dir/run/log
    tls keyfile = $dir/server.key
    tls certfile = $dir/server.crt
    tls cafile = $dir/ca.pem
END
} > "$dir/log" 2>&1
samba -i -M single -s "$dir/smb.conf" --debug-stdout < /dev/null >> "$dir/log" 2>&1 &
pid=$!
cat > /dev/null
kill -TERM $pid 2>/dev/null || true
wait $pid || true
rm -rf "$dir"
"#;

/// A running domain controller.
struct Samba {
    dir: std::path::PathBuf,
    _script: Child,
}

impl Samba {
    fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("ad").tempdir().unwrap().keep();
        let mut script = Command::new("sh");
        script.args(["-c", SCRIPT, "sh"]).arg(&dir).args([HOST, PASSWORD]);
        let script = script.stdin(Stdio::piped()).spawn().unwrap();
        let server = Self { dir, _script: script };
        for _ in 0..2400 {
            if TcpStream::connect((HOST, 636)).is_ok() {
                server.change("ldapadd", &domain());
                return server;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(server.dir.join("log")).unwrap_or_default();
        panic!("Samba did not start:\n{log}");
    }

    fn change(&self, program: &str, ldif: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), ldif).unwrap();
        let status = Command::new(program)
            .args(["-x", "-D", ADMINISTRATOR, "-w", PASSWORD, "-H", &format!("ldaps://{HOST}"), "-f"])
            .arg(file.path())
            .env("LDAPTLS_CACERT", self.dir.join("ca.pem"))
            .env("LDAPTLS_REQCERT", "allow")
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(status.success());
    }
}

fn domain() -> String {
    let mut text = String::new();
    for unit in ["People", "Groups", "Former"] {
        writeln!(text, "dn: OU={unit},{DOMAIN}\nobjectClass: organizationalUnit\n").unwrap();
    }
    for number in 0..PEOPLE {
        // 544 is a normal account that needs no password; 2 disables it.
        let control = if number % 10 == 3 { 546 } else { 544 };
        // 2027-01-01, never, and never.
        let expires = ["134432352000000000", "0", "9223372036854775807"][number % 3];
        // The first person has none: the server wants that a manager exists.
        let manager =
            if number > 0 { format!("manager: CN=Person 0,OU=People,{DOMAIN}\n") } else { String::new() };
        writeln!(
            text,
            "dn: CN=Person {number},OU=People,{DOMAIN}\nobjectClass: user\nsAMAccountName: p{number:04}\nuserAccountControl: {control}\n\
             displayName: Persön {number}\nmail: p{number:04}@acme.example\nemployeeNumber: {number}\ndepartment: D{}\n\
             title: Engineer\n{manager}accountExpires: {expires}\nl: City {}\n",
            number % 7,
            number % 2
        )
        .unwrap();
    }
    let mut group = |name: &str, members: &mut dyn Iterator<Item = String>| {
        writeln!(text, "dn: CN={name},OU=Groups,{DOMAIN}\nobjectClass: group\nsAMAccountName: {name}")
            .unwrap();
        members.for_each(|member| writeln!(text, "member: {member}").unwrap());
        text.push('\n');
    };
    let person = |number: usize| format!("CN=Person {number},OU=People,{DOMAIN}");
    group("Everybody", &mut (0..PEOPLE).map(person));
    group("Engineering", &mut (0..10).map(person));
    group("Staff", &mut [format!("CN=Engineering,OU=Groups,{DOMAIN}")].into_iter());
    // A cycle.
    writeln!(
        text,
        "dn: CN=Engineering,OU=Groups,{DOMAIN}\nchangetype: modify\nadd: member\nmember: CN=Staff,OU=Groups,{DOMAIN}\n"
    )
    .unwrap();
    text
}

fn connection(url: &str) -> LdapConnection {
    LdapConnection {
        url: url.to_owned(),
        bind_dn: Some(ADMINISTRATOR.to_owned()),
        password: None,
        users: mapped(
            &format!("OU=People,{DOMAIN}"),
            &[("attributes.City", "l"), ("attributes.Object", "objectGUID")],
        ),
        groups: Some(search(&format!("OU=Groups,{DOMAIN}"))),
    }
}

fn keys(reading: &Reading) -> BTreeMap<&str, &str> {
    let pairs =
        reading.users.iter().map(|listed| (listed.object.username.as_str(), listed.key.as_deref().unwrap()));
    pairs.collect()
}

#[test]
#[ignore = "needs Samba and the right to open port 636"]
fn active_directory_is_recognised_and_read_with_its_conventions() {
    assert!(Path::new("/usr/sbin/samba").exists(), "install Samba (Debian: samba-ad-dc, samba-ad-provision)");
    let server = Samba::start();
    let authority = std::fs::read(server.dir.join("ca.pem")).unwrap();
    let mut access = access(authority);
    access.password = Some(PASSWORD.into());
    let ldaps = connection(&format!("ldaps://{HOST}"));

    let reading = read(&ldaps, "corp-ad", &access).unwrap();
    assert_eq!((reading.users.len(), reading.groups.len()), (PEOPLE, 3));
    assert_eq!((&reading.skipped[..], &reading.warnings[..]), (&[][..], &[][..]));
    let users: BTreeMap<&str, &User> =
        reading.users.iter().map(|listed| (listed.object.username.as_str(), &listed.object)).collect();
    let set = |texts: &[&str]| -> BTreeSet<String> { texts.iter().map(|text| (*text).to_owned()).collect() };
    let mut expected = User::named("p0003");
    expected.name = Some("Persön 3".to_owned());
    expected.email = Some("p0003@acme.example".to_owned());
    expected.identity_provider = "corp-ad".to_owned();
    expected.status = UserStatus::Disabled;
    expected.employee_number = Some("3".to_owned());
    expected.department = Some("D3".to_owned());
    expected.title = Some("Engineer".to_owned());
    expected.manager = Some("p0000".to_owned());
    expected.leaving_date = Some("2027-01-01T00:00:00Z".parse().unwrap());
    expected.groups = set(&["Everybody", "Engineering", "Staff"]);
    expected.attributes.insert("City".to_owned(), set(&["City 1"]));
    expected.attributes.insert("Object".to_owned(), set(&[keys(&reading)["p0003"]]));
    assert_eq!(users["p0003"], &expected);
    assert_eq!((users["p0004"].status, users["p0004"].leaving_date), (UserStatus::Active, None));
    assert_eq!((users["p0005"].leaving_date, &users["p0519"].groups), (None, &set(&["Everybody"])));

    let by_start_tls = read(&connection(&format!("ldap://{HOST}")), "corp-ad", &access).unwrap();
    assert_eq!(reading, by_start_tls);

    // A renamed and a moved entry keep their ids.
    server.change(
        "ldapmodify",
        &format!(
            "dn: CN=Person 1,OU=People,{DOMAIN}\nchangetype: modrdn\nnewrdn: CN=Ada\ndeleteoldrdn: 1\n\n\
             dn: CN=Person 2,OU=People,{DOMAIN}\nchangetype: modrdn\nnewrdn: CN=Person 2\ndeleteoldrdn: 1\n\
             newsuperior: OU=Former,{DOMAIN}\n\n\
             dn: CN=Ada,OU=People,{DOMAIN}\nchangetype: modify\nreplace: sAMAccountName\nsAMAccountName: ada\n"
        ),
    );
    let mut whole = ldaps.clone();
    DOMAIN.clone_into(&mut whole.users.base);
    let after = read(&whole, "corp-ad", &access).unwrap();
    assert_eq!(keys(&after)["ada"], keys(&reading)["p0001"]);
    assert_eq!(keys(&after)["p0002"], keys(&reading)["p0002"]);
    // The whole domain has the built-in administrator, whose name is reserved. What it refers to has no people.
    let reserved = &after.skipped[0];
    assert_eq!(reserved.reason, "the username `administrator` is reserved");
    assert!(!after.warnings.iter().any(|warning| warning.contains("refers to")), "{:?}", after.warnings);

    let findings = verify(&ldaps, &access).unwrap();
    assert_eq!((findings.directory, findings.users.entries), (DirectoryKind::ActiveDirectory, 500));
    assert!(!findings.users.is_complete && findings.groups.unwrap().is_complete);

    let mut misspelt = ldaps.clone();
    misspelt.users.attributes.insert("email".to_owned(), "mails".to_owned());
    let error = read(&misspelt, "corp-ad", &access).unwrap_err();
    assert!(
        matches!(&error, LdapError::UnknownAttribute { near: Some(near), .. } if near == "mail"),
        "{error}"
    );
    let mut anonymous = ldaps.clone();
    anonymous.bind_dn = None;
    access.password = None;
    let error = read(&anonymous, "corp-ad", &access).unwrap_err();
    assert!(matches!(error, LdapError::AnonymousRefused { .. }), "{error}");
    access.password = Some("wrong".into());
    let error = read(&ldaps, "corp-ad", &access).unwrap_err();
    assert!(matches!(error, LdapError::Credentials { .. }), "{error}");
}
