//! A PostgreSQL server of the tests' own: in a temporary directory, on a socket, gone with the tests.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use postgres::{Client, Config, NoTls};
use secrecy::SecretString;

/// Starts a server and stops it when its standard input ends, however the tests do. On its socket it lets anybody
/// in; over the network it speaks TLS and wants a password.
const SCRIPT: &str = r#"
set -eu
trap '' INT
dir=$1 bin=$2 port=$3
shift 3
{
    "$@" "$bin/initdb" -D "$dir/data" -U domesday -A trust -E UTF8 --locale=C.UTF-8 --no-sync
    "$@" openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
        -keyout "$dir/data/server.key" -out "$dir/data/server.crt"
    cp "$dir/data/server.crt" "$dir/server.crt"
    printf 'local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n' > "$dir/data/pg_hba.conf"
} > "$dir/log" 2>&1
"$@" "$bin/postgres" -D "$dir/data" -k "$dir" -p "$port" -c listen_addresses=127.0.0.1 -c ssl=on -c fsync=off \
    -c password_encryption=scram-sha-256 \
    -c max_connections=200 >> "$dir/log" 2>&1 &
pid=$!
cat > /dev/null
kill -INT $pid
wait $pid || true
rm -rf "$dir"
"#;

/// A running server.
pub(crate) struct Server {
    dir: PathBuf,
    port: u16,
    _script: Child,
}

impl Server {
    /// The one server of this run of the tests.
    pub(crate) fn shared() -> &'static Self {
        static SERVER: OnceLock<Server> = OnceLock::new();
        SERVER.get_or_init(Self::start)
    }

    fn start() -> Self {
        let bin = programs().expect(
            "PostgreSQL's initdb is not there: install the server (Debian: apt-get install postgresql)",
        );
        let dir = tempfile::Builder::new().prefix("pg").tempdir().unwrap().keep();
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o777)).unwrap();
        let port = free_port();
        let mut script = Command::new("sh");
        script.args(["-c", SCRIPT, "sh"]).arg(&dir).arg(bin).arg(port.to_string());
        script.args(as_server_user());
        let script = script.stdin(Stdio::piped()).spawn().unwrap();
        let server = Self { dir, port, _script: script };
        server.wait_until_ready();
        server
    }

    fn wait_until_ready(&self) {
        for _ in 0..3600 {
            if self.config("postgres").connect(NoTls).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        panic!("PostgreSQL did not start:\n{log}");
    }

    /// The URL of a database on the server.
    pub(crate) fn url(&self, database: &str) -> SecretString {
        format!("postgres:///{database}?host={}&port={}&user=domesday", self.dir.display(), self.port).into()
    }

    /// The port over which it speaks TLS, on 127.0.0.1 under the name `localhost`.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The file of the authority that signed its certificate.
    pub(crate) fn authority(&self) -> PathBuf {
        self.dir.join("server.crt")
    }

    /// Runs statements in a database.
    pub(crate) fn run(&self, database: &str, sql: &str) {
        self.client(database).batch_execute(sql).unwrap();
    }

    /// Runs a statement that needs a database nobody is connected to: who just left may still be leaving.
    pub(crate) fn run_until_done(&self, database: &str, sql: &str) {
        let mut client = self.client(database);
        for _ in 0..100 {
            match client.batch_execute(sql) {
                Ok(()) => return,
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
        client.batch_execute(sql).unwrap();
    }

    pub(crate) fn client(&self, database: &str) -> Client {
        self.config(database).connect(NoTls).unwrap()
    }

    fn config(&self, database: &str) -> Config {
        let mut config = Config::new();
        config.host_path(&self.dir).port(self.port).user("domesday").dbname(database);
        config
    }
}

/// A port that nobody listens on.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// What comes before a command that runs as the server's user: the server refuses to run as root, and its package has
/// made a user for it.
pub(crate) fn as_server_user() -> Vec<String> {
    if !std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0) {
        return Vec::new();
    }
    ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"].map(str::to_owned).into()
}

/// Where the server's programs are: on the path, or where Debian keeps each version's.
pub(crate) fn programs() -> Option<PathBuf> {
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&on_path).collect();
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    places.extend(versions.into_iter().rev());
    places.into_iter().find(|place| Path::new(place).join("initdb").exists())
}
