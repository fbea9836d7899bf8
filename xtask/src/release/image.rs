//! The container image: the binary, the C library that it is linked with, and nothing else.
//!
//! buildah builds it without a daemon and from no other image, so that nothing is pulled, and any machine that builds the
//! binary can build it. Certificate authorities and time zones are part of the binary.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;
use crate::paths::{root, target_dir};
use crate::process::{apt_install_missing, command, output, run};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The user of the service, as in `deploy/Containerfile`.
const USER: &str = "10001:10001";

/// The home of that user and the working directory, in which commands find the store without being told where it is.
const HOME: &str = "/var/lib/domesday";

/// Files of the image by path. Names of hosts are looked up in `/etc/hosts`, then in DNS.
const FILES: [(&str, &str); 3] = [
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/sbin/nologin\ndomesday:x:10001:10001::/var/lib/domesday:/sbin/nologin\n",
    ),
    ("etc/group", "root:x:0:\ndomesday:x:10001:\n"),
    ("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"),
];

/// Builds the image of a binary: `domesday-VERSION-ARCHITECTURE.oci.tar`, an OCI layout in a tar file.
///
/// # Errors
/// When the binary needs a library that this machine does not have, or buildah fails.
pub(crate) fn build(binary: &Path, directory: &Path) -> Result<(), Failure> {
    apt_install_missing("buildah", "buildah", "container images")?;
    let work = target_dir().join("image");
    let _ = fs::remove_dir_all(&work);
    let files = work.join("files");
    compose(binary, &files)?;

    let epoch = epoch()?;
    let layout = work.join("layout");
    let buildah = Buildah { work: &work };
    let container = output(&mut buildah.command(&["from", "scratch"]))?;
    let container = container.trim();
    run(buildah.command(&["copy", "--quiet", "--chown", "0:0", container]).arg(&files).arg("/"))?;
    // Copied by itself: it has another owner.
    let home = work.join("home");
    create(&home)?;
    run(buildah.command(&["copy", "--quiet", "--chown", USER, container]).arg(&home).arg(HOME))?;
    buildah.configure(container)?;
    // Files of the same commit get the same dates, so that the image has the same digest.
    let mut commit = buildah.command(&["commit", "--quiet", "--format", "oci", "--timestamp", &epoch]);
    commit.args(["--disable-compression=false", container]);
    output(commit.arg(format!("oci:{}:{VERSION}", layout.display())))?;

    let archive = directory.join(format!("domesday-{VERSION}-{}.oci.tar", std::env::consts::ARCH));
    let archive = std::path::absolute(&archive).map_err(|error| format!("{}: {error}", archive.display()))?;
    let mut tar = command("tar", &["--create", "--format=ustar", "--sort=name", "--owner=0", "--group=0"]);
    tar.args(["--numeric-owner", "--mode=u+rw,go=rX", &format!("--mtime=@{epoch}")]);
    run(tar.arg("--file").arg(archive).arg("--directory").arg(&layout).arg("."))?;
    fs::remove_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))
}

/// Returns the date of the files of a release in seconds since 1970: `SOURCE_DATE_EPOCH`, or that of the commit.
pub(super) fn epoch() -> Result<String, Failure> {
    let epoch = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(epoch) => epoch,
        Err(_) => output(&mut command("git", &["log", "-1", "--format=%ct"]))
            .map_err(|failure| format!("{failure}\noutside of a repository, set SOURCE_DATE_EPOCH"))?,
    };
    Ok(epoch.trim().to_owned())
}

/// buildah with a storage of its own, which needs neither a daemon nor a file system of a certain kind.
struct Buildah<'a> {
    work: &'a Path,
}

impl Buildah<'_> {
    fn command(&self, args: &[&str]) -> Command {
        let mut buildah = command("buildah", &["--storage-driver", "vfs"]);
        buildah.arg("--root").arg(self.work.join("storage")).arg("--runroot").arg(self.work.join("state"));
        buildah.args(args);
        buildah
    }

    /// Sets how the image is run, and what it says of itself.
    fn configure(&self, container: &str) -> Result<(), Failure> {
        let mut config = self.command(&["config", "--user", USER, "--workingdir", HOME, "--volume", HOME]);
        config.args(["--entrypoint", r#"["domesday"]"#, "--cmd", "serve", "--stop-signal", "SIGTERM"]);
        config.args(["--port", "8080/tcp"]);
        for variable in ["PATH=/usr/local/bin:/usr/bin", "DOMESDAY_LISTEN=0.0.0.0:8080"] {
            config.args(["--env", variable]);
        }
        for (name, value) in labels() {
            config.args(["--label", &format!("org.opencontainers.image.{name}={value}")]);
        }
        run(config.arg(container))
    }
}

/// Returns the labels of the image, which registries show.
fn labels() -> Vec<(&'static str, String)> {
    let mut labels = vec![
        ("title", "Domesday".to_owned()),
        ("description", "Who can reach which data, and why".to_owned()),
        ("version", VERSION.to_owned()),
        ("licenses", "Apache-2.0".to_owned()),
    ];
    // Outside of a repository the commit is not known.
    if let Ok(commit) = output(&mut command("git", &["rev-parse", "HEAD"])) {
        labels.push(("revision", commit.trim().to_owned()));
    }
    let variable = |name: &str| std::env::var(name).ok();
    if let (Some(server), Some(repository)) = (variable("GITHUB_SERVER_URL"), variable("GITHUB_REPOSITORY")) {
        labels.push(("source", format!("{server}/{repository}")));
    }
    labels
}

/// Composes the files of the image in a directory.
fn compose(binary: &Path, files: &Path) -> Result<(), Failure> {
    for (path, text) in FILES {
        write(&files.join(path), text)?;
    }
    copy(binary, &files.join("usr/local/bin/domesday"))?;
    copy(&root().join("LICENSE"), &files.join("usr/share/doc/domesday/LICENSE"))?;
    // A release writes the licenses of what is linked beside the binary.
    let licenses = binary.with_file_name("third-party-licenses.txt");
    if licenses.exists() {
        copy(&licenses, &files.join("usr/share/doc/domesday/third-party-licenses.txt"))?;
    }
    // Scanners read from it which distribution the libraries are of.
    copy(Path::new("/etc/os-release"), &files.join("etc/os-release"))?;
    for library in libraries(binary)? {
        copy(&library, &inside(files, &library))?;
        record(&library, files)?;
    }
    // `buildah copy` gives a directory that it has to create the owner of what is put into it.
    create(&files.join("var/lib"))?;
    let temporary = files.join("tmp");
    create(&temporary)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o1777))
        .map_err(|error| format!("{}: {error}", temporary.display()))
}

/// Returns the libraries that a binary is linked with, and the loader that loads them.
fn libraries(binary: &Path) -> Result<Vec<PathBuf>, Failure> {
    let listed =
        Command::new("ldd").arg(binary).output().map_err(|error| format!("cannot start ldd: {error}"))?;
    let text = String::from_utf8_lossy(&listed.stdout);
    let message = String::from_utf8_lossy(&listed.stderr);
    if [&text, &message].iter().any(|said| said.contains("not a dynamic executable")) {
        return Ok(Vec::new());
    }
    if !listed.status.success() {
        return Err(format!("ldd {}: {message}", binary.display()));
    }
    parse_libraries(&text)
}

/// Reads the output of ldd: `libc.so.6 => /lib/libc.so.6 (0x…)`, `/lib64/ld-linux-x86-64.so.2 (0x…)`.
fn parse_libraries(listed: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut libraries = Vec::new();
    for line in listed.lines().map(str::trim) {
        let (name, path) = line.split_once(" => ").unwrap_or((line, line));
        if path == "not found" {
            return Err(format!("the library {name} is not installed"));
        }
        let path = path.split(" (").next().unwrap_or(path);
        // The kernel's own library and the word for a binary without libraries are no paths.
        if path.starts_with('/') {
            libraries.push(PathBuf::from(path));
        }
    }
    Ok(libraries)
}

/// Records the package of a library where scanners of vulnerabilities look for it, and copies its license.
fn record(library: &Path, files: &Path) -> Result<(), Failure> {
    let Some(package) = package_of(library) else {
        return Err(format!("no package of Debian has {}; build on Debian or Ubuntu", library.display()));
    };
    let status = output(&mut command("dpkg-query", &["--status", &package]))?;
    let name = package.split(':').next().unwrap_or(&package);
    write(&files.join("var/lib/dpkg/status.d").join(name), &status)?;
    let copyright = Path::new("/usr/share/doc").join(name).join("copyright");
    copy(&copyright, &inside(files, &copyright))
}

/// Returns the package that a file is of, with its architecture: `libc6:amd64`.
fn package_of(file: &Path) -> Option<String> {
    // The loader names libraries below `/lib`, which is a link to `/usr/lib`; which of the two dpkg knows differs.
    let merged = Path::new("/usr").join(file.strip_prefix("/").ok()?);
    [file, merged.as_path()].iter().find_map(|path| {
        let found = output(command("dpkg-query", &["--search"]).arg(path)).ok()?;
        Some(found.lines().next()?.split_once(": ")?.0.to_owned())
    })
}

/// Returns where a file of this machine is in the image.
fn inside(files: &Path, path: &Path) -> PathBuf {
    files.join(path.strip_prefix("/").unwrap_or(path))
}

fn create(directory: &Path) -> Result<(), Failure> {
    fs::create_dir_all(directory).map_err(|error| format!("{}: {error}", directory.display()))
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    path.parent().map_or(Ok(()), create)?;
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Copies a file, or what a link leads to.
fn copy(from: &Path, to: &Path) -> Result<(), Failure> {
    to.parent().map_or(Ok(()), create)?;
    fs::copy(from, to).map(|_| ()).map_err(|error| format!("{}: {error}", from.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot prepare its world has failed")]

    use super::*;

    #[test]
    fn libraries_are_those_with_a_path() {
        let listed = "\tlinux-vdso.so.1 (0x00007fff)\n\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f01)\n\
                      \t/lib64/ld-linux-x86-64.so.2 (0x00007f02)\n";
        assert_eq!(
            parse_libraries(listed).unwrap(),
            [Path::new("/lib/x86_64-linux-gnu/libc.so.6"), Path::new("/lib64/ld-linux-x86-64.so.2")]
        );
        assert!(parse_libraries("\tstatically linked\n").unwrap().is_empty());
    }

    #[test]
    fn a_missing_library_is_named() {
        let failure = parse_libraries("\tlibssl.so.3 => not found\n").unwrap_err();
        assert!(failure.contains("libssl.so.3"), "{failure}");
    }
}
