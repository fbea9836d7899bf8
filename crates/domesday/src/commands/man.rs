//! `domesday man`: the manual pages, from the definition of the command line.

use std::path::Path;

use anyhow::Context;
use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::{Cli, Format, ManArgs};
use crate::output::{GOOD, Output};

pub(crate) fn run(args: &ManArgs, output: &Output) -> anyhow::Result<()> {
    std::fs::create_dir_all(&args.out).with_context(|| format!("cannot create {}", args.out.display()))?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut files = Vec::new();
    write_pages(&command, &args.out, &mut files)?;
    match output.format {
        Format::Json => output.json(&serde_json::json!({ "directory": args.out, "files": files })),
        _ if output.is_quiet() => {}
        _ => {
            let (count, directory) = (files.len(), args.out.display());
            output.result(format_args!("{GOOD}Wrote{GOOD:#} {count} manual pages to {directory}"));
        }
    }
    Ok(())
}

/// Writes the page of a command and of every command below it.
fn write_pages(command: &Command, directory: &Path, files: &mut Vec<String>) -> anyhow::Result<()> {
    let man = Man::new(command.clone());
    let name = man.get_filename();
    let path = directory.join(&name);
    let mut page = Vec::new();
    man.render(&mut page)?;
    std::fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    files.push(name);
    command.get_subcommands().try_for_each(|command| write_pages(command, directory, files))
}
