//! Coverage-guided fuzzing on stable Rust, for a bounded time.
//!
//! LLVM's coverage counters are a matter of code generation flags, which stable Rust has; only sanitizers need
//! nightly, and safe code has little use for them. The targets and what they promise: `crates/fuzz`.

use std::process::Command;

use crate::Failure;
use crate::cache::{command, folder, root, run, target};

/// The targets of `crates/fuzz`, each with its corpus.
const TARGETS: [&str; 3] = ["condition", "catalog", "outcomes"];

/// How long each target is fuzzed unless `DOMESDAY_FUZZ_SECONDS` says otherwise.
const SECONDS: &str = "15";

/// Coverage counters and compared values, as libFuzzer reads them.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Builds the targets and lets each look for inputs that break a promise, from its corpus on.
pub(crate) fn fuzz() -> Result<(), Failure> {
    let seconds = std::env::var("DOMESDAY_FUZZ_SECONDS").unwrap_or_else(|_| SECONDS.to_owned());
    cpp_compiler()?;
    let host = host()?;
    // Build scripts and macros run here and now: only what is named with --target gets the counters.
    let built = target().join("fuzz");
    let args = ["build", "--locked", "--package", "domesday-fuzz", "--features", "libfuzzer", "--bins"];
    let mut build = command("cargo", &args);
    build.args(["--target", &host]).arg("--target-dir").arg(&built).env("RUSTFLAGS", FLAGS.join(" "));
    run(&mut build)?;
    let artifacts = built.join("artifacts");
    std::fs::create_dir_all(&artifacts).map_err(|error| error.to_string())?;
    for name in TARGETS {
        println!("\nfuzzing {name} for {seconds} seconds");
        // What is found interesting is kept in the cache; the committed corpus is only read.
        let found = folder().join("fuzz").join(name);
        std::fs::create_dir_all(&found).map_err(|error| error.to_string())?;
        let corpus = root().join("crates/fuzz/corpus").join(name);
        let prefix = artifacts.join(format!("{name}-"));
        let mut fuzz = command(built.join(&host).join("debug").join(format!("fuzz-{name}")), &[]);
        fuzz.arg(&found).arg(&corpus);
        fuzz.args([
            "-timeout=20",
            "-rss_limit_mb=3000",
            "-max_len=8192",
            "-print_final_stats=1",
            "-verbosity=0",
        ]);
        fuzz.arg(format!("-max_total_time={seconds}")).arg(format!("-artifact_prefix={}", prefix.display()));
        run(&mut fuzz).map_err(|failure| {
            format!(
                "the input that breaks a promise is in {}; with the fix, put it into {}. {failure}",
                artifacts.display(),
                corpus.display()
            )
        })?;
    }
    Ok(())
}

/// The triple that this machine's compiler builds for.
fn host() -> Result<String, Failure> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| format!("rustc -vV names no host: {text}"))
}

/// Sees to it that there is a C++ compiler: libFuzzer is built from its sources.
fn cpp_compiler() -> Result<(), Failure> {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if Command::new(&compiler).arg("--version").output().is_ok_and(|output| output.status.success()) {
        return Ok(());
    }
    println!("installing a C++ compiler");
    let install = || run(&mut command("apt-get", &["install", "-y", "--no-install-recommends", "g++"]));
    install()
        .or_else(|_| run(&mut command("apt-get", &["update"])).and_then(|()| install()))
        .map_err(|failure| format!("libFuzzer is C++; install a compiler for it (Debian: g++). {failure}"))
}
