//! The files under `deploy`: each is read by the program it is meant for, where that is installed, and what they
//! tell the service holds.

#![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]
#![allow(clippy::print_stdout, reason = "what is left out is said")]

mod cli;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cli::{Finished, write};

const BINARY: &str = env!("CARGO_BIN_EXE_domesday");

/// A setting of `domesday.toml`, which stands there as a comment: `# name = value  # VARIABLE; what it is`.
struct Setting {
    section: String,
    name: String,
    value: String,
    comment: String,
}

fn deploy(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(deploy(name)).unwrap()
}

/// Whether a program is there; a test that needs one which is not says so and proves nothing.
fn installed(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !there {
        println!("{program} is not installed: its part is left out");
    }
    there
}

/// The program with these variables and no other of its own.
fn domesday(args: &[&str], variables: &BTreeMap<String, String>, dir: &Path) -> Finished {
    let mut command = Command::new(BINARY);
    command.args(args).current_dir(dir).env_clear().env("NO_COLOR", "1").envs(variables);
    Finished::of(&mut command)
}

/// What `domesday config check` says would hold.
fn holds(
    args: &[&str],
    variables: &BTreeMap<String, String>,
    dir: &Path,
) -> serde_json::Map<String, serde_json::Value> {
    let args = [&["config", "check", "--format", "json"], args].concat();
    let checked = domesday(&args, variables, dir);
    checked.succeeds();
    serde_json::from_str(&checked.stdout).unwrap()
}

fn settings() -> Vec<Setting> {
    let mut section = String::new();
    let mut settings = Vec::new();
    for line in text("domesday.toml").lines() {
        if let Some((name, _)) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            section = name.to_owned();
        } else if let Some((name, rest)) = line.strip_prefix("# ").and_then(|rest| rest.split_once(" = ")) {
            let (value, comment) = rest.split_once(" # ").unwrap_or((rest, ""));
            settings.push(Setting {
                section: section.clone(),
                name: name.to_owned(),
                value: value.trim().to_owned(),
                comment: comment.to_owned(),
            });
        }
    }
    settings
}

#[test]
fn the_configuration_as_it_stands_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = deploy("domesday.toml");
    let none = BTreeMap::new();
    assert_eq!(
        holds(&["--config", path.to_str().unwrap()], &none, dir.path()),
        holds(&[], &none, dir.path())
    );
}

#[test]
fn the_configuration_names_every_setting_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.toml");
    let config = ["config", "check", "--config", path.to_str().unwrap()];
    let settings = settings();
    assert!(settings.len() > 15);

    // With all of them at once, each as it is written there, the configuration holds.
    let mut sections: BTreeMap<&str, String> = BTreeMap::new();
    for Setting { section, name, value, .. } in &settings {
        sections.entry(section).or_default().push_str(&format!("{name} = {value}\n"));
    }
    let all: String = sections.iter().map(|(name, lines)| format!("[{name}]\n{lines}")).collect();
    write(&path, &all);
    write(&dir.path().join("webhook.secret"), "whsec_c2VjcmV0");
    write(&dir.path().join("oidc.secret"), "a-secret");
    let none = BTreeMap::new();
    domesday(&["key", "new", "domesday.key"], &none, dir.path()).succeeds();
    domesday(&config, &none, dir.path()).succeeds();

    // What the program would have taken in each section is in its error, and all of that is in the file.
    for section in sections.keys() {
        write(&path, &format!("[{section}]\nno_such_setting = 1\n"));
        let checked = domesday(&config, &none, dir.path());
        checked.fails_with(1);
        let (_, expected) = checked.stderr.split_once("expected").unwrap();
        let mut known: Vec<&str> = expected.split('`').skip(1).step_by(2).collect();
        known.sort_unstable();
        let mut named: Vec<&str> =
            settings.iter().filter(|it| it.section == *section).map(|it| it.name.as_str()).collect();
        named.sort_unstable();
        assert_eq!(named, known, "settings of [{section}]");
    }
}

#[test]
fn the_variables_that_the_configuration_names_win() {
    let dir = tempfile::tempdir().unwrap();
    let wrong = |variable: &str, value: &str| {
        let variables = BTreeMap::from([(variable.to_owned(), value.to_owned())]);
        domesday(&["config", "check"], &variables, dir.path())
    };
    let usual = domesday(&["config", "check"], &BTreeMap::new(), dir.path()).stdout;
    for Setting { name, comment, .. } in settings() {
        let is_variable = |word: &&str| word.starts_with("DOMESDAY_");
        let variables = comment.split(|it: char| !it.is_ascii_uppercase() && it != '_').filter(is_variable);
        for variable in variables {
            // Nothing that is said by a secret alone: it goes with an address.
            if variable == "DOMESDAY_WEBHOOK_SECRET" {
                continue;
            }
            let checked = wrong(variable, "nonsense value");
            assert!(checked.code != Some(0) || checked.stdout != usual, "{variable} of {name} is not read");
        }
    }
}

#[test]
fn systemd_takes_the_unit() {
    let dir = tempfile::tempdir().unwrap();
    let unit = text("domesday.service");
    // %d and %S are where systemd puts credentials and state.
    let place = dir.path().to_str().unwrap();
    let variables: BTreeMap<String, String> = unit
        .lines()
        .filter_map(|line| line.strip_prefix("Environment=")?.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.replace("%d", place).replace("%S", place)))
        .collect();
    domesday(&["key", "new", "secret.key"], &BTreeMap::new(), dir.path()).succeeds();
    let config = deploy("domesday.toml");
    let holding = holds(&["--config", config.to_str().unwrap()], &variables, dir.path());
    assert_eq!(holding["database"], format!("SQLite file {place}/domesday/governance.db"));
    assert_eq!(holding["secret_key"], format!("file {place}/secret.key"));

    if !installed("systemd-analyze") {
        return;
    }
    // The binary is where it was built, not where it will be installed.
    let here = unit.replace("/usr/local/bin/domesday ", &format!("{BINARY} "));
    assert_ne!(here, unit, "the unit starts the binary that the documentation installs");
    let path = dir.path().join("domesday.service");
    write(&path, &here);
    let verified = Finished::of(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path));
    // What it does not know it only tells; what it says of other units of this machine is not ours.
    let said: Vec<&str> = verified.stderr.lines().filter(|line| line.contains("domesday.service")).collect();
    assert!(said.is_empty() && verified.code == Some(0), "{}", verified.stderr);
}

#[test]
fn compose_takes_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let password = "secret-word";
    let compose = text("compose.yaml");
    let service = compose.split("\n  database:\n").next().unwrap();
    let variables: BTreeMap<String, String> = service
        .lines()
        .filter_map(|line| line.strip_prefix("      ")?.split_once(": "))
        .filter(|(name, _)| name.chars().all(|it| it.is_ascii_uppercase() || it == '_'))
        .map(|(name, value)| {
            let value = value.replace("${DATABASE_PASSWORD:?set it in .env}", password);
            (name.to_owned(), value.replace("/run/secrets/secret_key", "secret.key"))
        })
        .collect();
    domesday(&["key", "new", "secret.key"], &BTreeMap::new(), dir.path()).succeeds();
    let holding = holds(&[], &variables, dir.path());
    assert_eq!(holding["listen"], "0.0.0.0:8080");
    assert_eq!(holding["tenant"], "Acme in Europe/Berlin");
    assert_eq!(holding["public_url"], "https://domesday.example");
    assert_eq!(holding["secret_key"], "file secret.key");
    let database = holding["database"].to_string();
    assert!(database.contains("PostgreSQL") && !database.contains(password), "{database}");

    let programs: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
    let works = |program: &&&[&str]| {
        let version = Command::new(program[0]).args(&program[1..]).arg("version").output();
        version.is_ok_and(|output| output.status.success())
    };
    let Some([program, first @ ..]) = programs.iter().find(works) else {
        println!("no compose is installed: its part is left out");
        return;
    };
    let config = |password: Option<&str>| {
        let mut command = Command::new(program);
        command.args(first).arg("-f").arg(deploy("compose.yaml")).args(["config", "--quiet"]);
        command.env_remove("DATABASE_PASSWORD").envs(password.map(|it| ("DATABASE_PASSWORD", it)));
        Finished::of(&mut command)
    };
    config(Some(password)).succeeds();
    let without = config(None);
    assert_ne!(without.code, Some(0));
    assert!(without.stderr.contains("set it in .env"), "{}", without.stderr);
}

#[test]
fn no_secret_is_asked_to_be_readable_by_everybody() {
    // Steps that an operator copies stand in comments: they create each file for its owner alone, and nothing loosens
    // that afterwards.
    let compose = text("compose.yaml");
    for file in ["compose.yaml", "domesday.service", "Containerfile", "domesday.toml"] {
        let text = text(file);
        for line in text.lines().filter(|line| line.contains("chmod") || line.contains("mode")) {
            let modes = line.split(|it: char| !it.is_ascii_digit()).filter(|it| (3..=4).contains(&it.len()));
            for mode in modes {
                assert!(mode.ends_with("00"), "{file}: {line}");
            }
            assert!(!line.contains("+r"), "{file}: {line}");
        }
    }
    let steps: Vec<&str> = compose.lines().filter_map(|line| line.strip_prefix("#   ")).collect();
    assert_eq!(steps.first(), Some(&"umask 077"), "before any file is created");

    // What the steps create is what compose reads, with the rights that they leave.
    let dir = tempfile::tempdir().unwrap();
    let script =
        steps.join("\n").replace("domesday key", &format!("{BINARY} key")).replace("sudo chown", "test");
    let script = script.replace("test 10001 secret.key", "true");
    Finished::of(Command::new("sh").args(["-ec", &script]).current_dir(dir.path())).succeeds();
    for file in ["secret.key", ".env"] {
        let mode = fs::metadata(dir.path().join(file)).unwrap().permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&mode) & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }
    let variables = fs::read_to_string(dir.path().join(".env")).unwrap();
    let password = variables.trim().strip_prefix("DATABASE_PASSWORD=").unwrap();
    assert!(password.len() >= 32 && !password.contains(['/', '+', '@', ':']), "fits a URL");
    // The user who reads the key is the one that the image runs as.
    assert!(
        text("Containerfile").contains("USER 10001\n")
            && steps.iter().any(|it| it.contains("chown 10001 secret.key"))
    );
}

#[test]
fn the_containerfile_is_one() {
    let containerfile = text("Containerfile");
    // What it sets is read by the program.
    let dir = tempfile::tempdir().unwrap();
    let variables: BTreeMap<String, String> = containerfile
        .split_whitespace()
        .filter_map(|word| word.split_once('='))
        .filter(|(name, _)| name.starts_with("DOMESDAY_"))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let holding = holds(&[], &variables, dir.path());
    assert_eq!(holding["listen"], "0.0.0.0:8080");
    // No variable names the store: with one, no command would take `--catalog`.
    assert_eq!(holding["database"], "SQLite file domesday.db");
    assert!(containerfile.contains("\nWORKDIR /var/lib/domesday\n"));

    if installed("hadolint") {
        let mut lint = Command::new("hadolint");
        lint.arg("--no-color").arg(deploy("Containerfile"));
        Finished::of(&mut lint).succeeds();
    }
}
