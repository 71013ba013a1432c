//! Writes the tables of kept runs of `isoloss bench engine` into a document, between its two marks.
//!
//!     cargo run -p isoloss-bench --example engine_results -- docs/results/engine.md bench/runs/RUN.json ...

use std::{env, error::Error, fs};

use isoloss_bench::with_engine_tables;

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = env::args().skip(1);
    let document = paths.next().ok_or("expected a document, then runs")?;
    let runs = paths.map(fs::read_to_string).collect::<Result<Vec<String>, _>>()?;
    let text = with_engine_tables(&fs::read_to_string(&document)?, &runs)?;
    fs::write(&document, text)?;
    Ok(())
}
