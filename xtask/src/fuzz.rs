//! Coverage-guided fuzzing on stable Rust, for a bounded time.
//!
//! LLVM's coverage counters are code generation flags, which stable Rust has; only sanitizers need nightly, and they
//! find little in safe code. The targets and their properties are in `crates/fuzz`.

use std::process::Command;

use crate::Failure;
use crate::paths::{cache_dir, root, target_dir};
use crate::process::{command, run};
use crate::tools::cpp_compiler;

/// The targets of `crates/fuzz`, each with its corpus.
const TARGETS: [&str; 3] = ["condition", "catalog", "outcomes"];

/// How long to fuzz each target, in seconds; `DOMESDAY_FUZZ_SECONDS` overrides it.
const SECONDS: &str = "15";

/// The compiler flags for the coverage counters and compared values that libFuzzer reads.
const FLAGS: [&str; 6] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
];

/// Builds the targets and fuzzes each, starting from its corpus.
pub(crate) fn fuzz() -> Result<(), Failure> {
    let seconds = std::env::var("DOMESDAY_FUZZ_SECONDS").unwrap_or_else(|_| SECONDS.to_owned());
    cpp_compiler()?;
    let host = host_triple()?;
    // With --target, only the targets get the counters, not build scripts and macros.
    let built = target_dir().join("fuzz");
    let args = ["build", "--locked", "--package", "domesday-fuzz", "--features", "libfuzzer", "--bins"];
    let mut build = command("cargo", &args);
    build.args(["--target", &host]).arg("--target-dir").arg(&built).env("RUSTFLAGS", FLAGS.join(" "));
    run(&mut build)?;
    let artifacts = built.join("artifacts");
    std::fs::create_dir_all(&artifacts).map_err(|error| error.to_string())?;
    for name in TARGETS {
        println!("\nfuzzing {name} for {seconds} seconds");
        // New inputs go to the cache; the committed corpus is only read.
        let found = cache_dir().join("fuzz").join(name);
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
                "the input that violates a property is in {}; add it to {} together with the fix. {failure}",
                artifacts.display(),
                corpus.display()
            )
        })?;
    }
    Ok(())
}

/// Returns the target triple of this machine.
fn host_triple() -> Result<String, Failure> {
    let output = Command::new("rustc").arg("-vV").output().map_err(|error| error.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| format!("rustc -vV names no host: {text}"))
}
