//! Fills a new store with a generated enterprise, for tests that need a large one: `enterprise SIZE FILE`.

use clap::ValueEnum as _;
use domesday_bench::enterprise::{Size, enterprise};
use domesday_bench::phases::fill;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [size, store] = arguments.as_slice() else { anyhow::bail!("usage: enterprise SIZE FILE") };
    let size = Size::from_str(size, true).map_err(anyhow::Error::msg)?;
    fill(&enterprise(size), store.as_ref())
}
