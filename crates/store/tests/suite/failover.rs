//! A primary and its standby: after a failover the store goes on with the server that takes changes.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use domesday_model::Kind;
use domesday_store::{IfMatch, Store};
use postgres::{Client, Config, NoTls};
use serde_json::json;

use crate::postgres_server::{as_server_user, free_port, programs};
use crate::world::{FIRST, LATER, by_ada, catalog, options};

/// Starts a primary and a standby that follows it; stops both when its standard input ends.
const SCRIPT: &str = r#"
set -eu
trap '' INT
dir=$1 bin=$2 one=$3 two=$4
shift 4
ctl() { server=$1 port=$2; shift 2; "$@" "$bin/pg_ctl" -D "$dir/$server" -w -l "$dir/$server.log" \
    -o "-k $dir -p $port -c listen_addresses= -c fsync=off" start; }
{
    "$@" "$bin/initdb" -D "$dir/one" -U domesday -A trust -E UTF8 --locale=C.UTF-8 --no-sync
    ctl one "$one" "$@"
    "$@" "$bin/pg_basebackup" -h "$dir" -p "$one" -U domesday -D "$dir/two" -R -X stream --no-sync -c fast
    ctl two "$two" "$@"
} > "$dir/log" 2>&1
echo ready
cat > /dev/null
for server in one two; do "$@" "$bin/pg_ctl" -D "$dir/$server" -m immediate stop || true; done >> "$dir/log" 2>&1
rm -rf "$dir"
"#;

struct Pair {
    dir: PathBuf,
    bin: PathBuf,
    ports: [u16; 2],
    _script: Child,
}

impl Pair {
    fn start() -> Self {
        // What is on the path may be a link to a part of the programs.
        let bin = programs().expect("PostgreSQL is installed").join("pg_ctl").canonicalize().unwrap();
        let bin = bin.parent().unwrap().to_owned();
        let dir = tempfile::Builder::new().prefix("pair").tempdir().unwrap().keep();
        std::fs::set_permissions(&dir, PermissionsExt::from_mode(0o777)).unwrap();
        let ports = [free_port(), free_port()];
        let mut script = Command::new("sh");
        script.args(["-c", SCRIPT, "sh"]).arg(&dir).arg(&bin).args(ports.map(|port| port.to_string()));
        script.args(as_server_user());
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(script.stdout.take().unwrap()).read_line(&mut line).unwrap();
        if line != "ready\n" {
            panic!("{}", std::fs::read_to_string(dir.join("log")).unwrap_or_default());
        }
        Self { dir, bin, ports, _script: script }
    }

    fn url(&self, ports: [u16; 2]) -> secrecy::SecretString {
        let dir = self.dir.display();
        let [first, second] = ports;
        format!("postgres:///postgres?host={dir},{dir}&port={first},{second}&user=domesday").into()
    }

    fn client(&self, server: usize) -> Client {
        let mut config = Config::new();
        config.host_path(&self.dir).port(self.ports[server]).user("domesday").dbname("postgres");
        config.connect(NoTls).unwrap()
    }

    fn control(&self, server: &str, action: &[&str]) {
        let mut words = as_server_user();
        words.push(self.bin.join("pg_ctl").display().to_string());
        let (program, arguments) = words.split_first().unwrap();
        let data = self.dir.join(server);
        let mut command = Command::new(program);
        command.args(arguments).arg("-D").arg(data).args(action).stdout(Stdio::null());
        assert!(command.status().unwrap().success(), "{server} {action:?}");
    }

    /// Waits until the standby has everything that the primary has.
    fn wait_for_standby(&self) {
        let lsn: String = self.client(0).query_one("SELECT pg_current_wal_lsn()::text", &[]).unwrap().get(0);
        let sql = format!("SELECT pg_last_wal_replay_lsn() >= '{lsn}'::pg_lsn");
        let mut standby = self.client(1);
        for _ in 0..600 {
            if standby.query_one(&sql, &[]).unwrap().get(0) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the standby does not follow");
    }
}

#[test]
fn after_a_failover_changes_go_to_the_new_primary() {
    let pair = Pair::start();
    let [one, two] = pair.ports;
    let mut store = Store::connect(&pair.url([one, two])).unwrap();
    store.apply(&catalog(), options(FIRST)).unwrap();
    pair.wait_for_standby();
    // The standby is named first, and passed over.
    let mut other = Store::connect(&pair.url([two, one])).unwrap();
    let put = |store: &mut Store, name: &str| {
        store.put_object(Kind::Group, &json!({ "name": name }), IfMatch::Any, &by_ada(LATER))
    };
    put(&mut other, "before").unwrap();
    pair.wait_for_standby();

    pair.control("one", &["-m", "immediate", "stop"]);
    let error = put(&mut store, "between").unwrap_err();
    assert!(error.is_transient(), "{error}");
    pair.control("two", &["-w", "promote"]);
    // Neither connection is opened again by its owner.
    put(&mut store, "after").unwrap();
    put(&mut other, "later").unwrap();
    let groups = store.objects(Kind::Group, None, 10).unwrap().0;
    let names: Vec<_> = groups.iter().map(|group| group.name.as_str()).collect();
    assert_eq!(names, ["Analysts", "after", "before", "later"]);
    assert_eq!(store.verify_audit().unwrap().fault, None);
}
