//! PostgreSQL over a network: TLS that is checked, passwords that stay secret, servers that restart.

use domesday_model::Kind;
use domesday_store::{IfMatch, Store, StoreError};
use secrecy::SecretString;
use serde_json::json;

use crate::databases::Database;
use crate::world::{FIRST, LATER, by_ada, catalog, options, sealed, snapshot};

const PASSWORD: &str = "marked-secret";

/// A database, a role that has to give a password, and what a URL to it begins and ends with.
fn guarded() -> (Database, String, String) {
    let database = Database::postgres();
    let Database::Postgres { server, name } = &database else { unreachable!() };
    let role = format!("role_{name}");
    server.run(
        name,
        &format!("CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'; ALTER DATABASE {name} OWNER TO {role}"),
    );
    let rest = format!(":{}/{name}", server.port());
    (database, role, rest)
}

fn connect(url: &str) -> Result<Store, StoreError> {
    Store::connect(&SecretString::from(url.to_owned()))
}

#[test]
fn tls_is_spoken_and_its_certificate_checked() {
    let (database, role, rest) = guarded();
    let Database::Postgres { server, name } = &database else { unreachable!() };
    let (authority, user) = (server.authority(), format!("postgres://{role}:{PASSWORD}"));
    let trusted = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    let mut store = connect(&format!("{user}@localhost{rest}?{trusted}")).unwrap();
    store.ping().unwrap();
    let row = server.client(name).query_one(
        "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
         WHERE datname = current_database() AND application_name = 'domesday'",
        &[],
    );
    assert!(row.unwrap().get::<_, bool>(0));
    for (what, url) in [
        ("nobody known vouches for it", format!("{user}@localhost{rest}")),
        ("the certificate has another name", format!("{user}@127.0.0.1{rest}?{trusted}")),
        ("the server wants TLS", format!("{user}@localhost{rest}?sslmode=disable")),
    ] {
        let error = connect(&url).expect_err(what);
        assert!(matches!(error, StoreError::Unreachable { .. }), "{what}: {error}");
    }
}

#[test]
fn no_error_says_the_password() {
    let (database, role, rest) = guarded();
    let Database::Postgres { server, .. } = &database else { unreachable!() };
    let trusted = format!("sslrootcert={}", server.authority().display());
    for url in [
        format!("postgres://{role}:not-{PASSWORD}@localhost{rest}?{trusted}"),
        format!("postgres://{role}:{PASSWORD}@localhost:1/x"),
        format!("postgres://{role}:{PASSWORD}@nowhere.invalid/x"),
        format!("postgres://{role}:{PASSWORD}@localhost{rest}?{trusted}&target_session_attrs={PASSWORD}"),
        format!("postgres://{role}:{PASSWORD}@localhost{rest}?sslrootcert=/nowhere"),
        format!("mysql://{role}:{PASSWORD}@localhost/x"),
    ] {
        let error = connect(&url).expect_err(&url);
        let said = format!("{error} {error:?}");
        assert!(!said.contains(PASSWORD), "{said}");
    }
}

#[test]
fn a_connection_that_is_lost_is_made_again() {
    let database = Database::postgres();
    let Database::Postgres { server, name } = &database else { unreachable!() };
    let mut store = database.open();
    store.apply(&catalog(), options(FIRST)).unwrap();
    let cut = || {
        let cut = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'domesday'";
        let cut: i64 = server.client(name).query_one(cut, &[]).unwrap().get(0);
        assert_eq!(cut, 1);
    };
    cut();
    store.ping().unwrap();
    cut();
    snapshot(&mut store);
    cut();
    store.put_object(Kind::User, &json!({ "username": "eve" }), IfMatch::Any, &by_ada(LATER)).unwrap();
    cut();
    assert!(store.acquire_lease("run", "one", by_ada(FIRST).at, by_ada(LATER).at).unwrap().is_some());
    assert!(!format!("{store:?}").contains(name), "where it is connected to is nobody's business");
}

#[test]
fn a_store_may_be_dropped_by_a_thread_that_drives_a_runtime() {
    let database = Database::postgres();
    let store = database.open();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async move {
        // Used on a blocking thread, dropped where the service stops.
        let work = tokio::task::spawn_blocking(move || {
            let mut store = store;
            store.ping().unwrap();
            store
        });
        drop(work.await.unwrap());
    });
}

#[test]
fn what_a_database_holds_is_hashed_or_sealed() {
    // The store is given hashes and sealed bytes only; what it writes of them is what it was given.
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("store.db");
    let mut store = Store::open(&path).unwrap();
    store
        .put_export(
            "default",
            &json!({ "bucket": "b" }),
            Some(&sealed(b"sealed")),
            IfMatch::Any,
            &by_ada(FIRST),
        )
        .unwrap();
    store.reseal_exports::<StoreError>(&by_ada(LATER), |_, _| Ok(Some(sealed(b"resealed")))).unwrap();
    drop(store);
    let log = Store::open(&path).unwrap().audit_entries(0, 10).unwrap();
    assert!(!format!("{log:?}").contains("sealed\""), "{log:?}");
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "only its owner may read it");
    }
}
