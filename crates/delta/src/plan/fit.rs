//! How much memory the work takes.

use super::{Model, Output, Source};
use crate::{DeltaError, Work};

/// Runs of elements that a worker keeps beside those of the models: the result, its bytes, what was read last, masks, ranks,
/// sums and their divisors.
const BESIDE: usize = 8;

/// Counts for each model that are kept while the largest elements are looked for.
const COUNTS: usize = 1 << 17;

/// How many chunks may be worked on at a time, at most one for each thread, and the memory that this takes.
pub(super) fn workers(
    models: &[Model],
    outputs: &[Output],
    given: usize,
) -> Result<(usize, usize), DeltaError> {
    let (mut workers, mut memory) = (super::threads(), 0);
    for output in outputs {
        let (kept, each) = needs(models, output)?;
        let needed = kept.saturating_add(each);
        if needed > given {
            let in_parts = |source: &Source| models[source.model].reader.in_parts(&source.name);
            let hint = if !output
                .sources
                .iter()
                .map(in_parts)
                .collect::<Result<Vec<_>, _>>()?
                .contains(&false)
            {
                "allow more memory"
            } else {
                "a tensor of a file of PyTorch that does not stand in one piece is read whole: convert it with isoloss convert, or allow more memory"
            };
            return Err(DeltaError::Memory { tensor: output.entry.name.clone(), needed, given, hint });
        }
        workers = workers.min(((given - kept) / each.max(1)).max(1));
    }
    for output in outputs {
        let (kept, each) = needs(models, output)?;
        memory = memory.max(kept + each * workers);
    }
    Ok((workers, memory))
}

/// Bytes that a tensor needs as a whole, and those that each worker needs.
fn needs(models: &[Model], output: &Output) -> Result<(usize, usize), DeltaError> {
    let mut kept = output.work.kept_bytes(&output.entry.shape);
    for source in &output.sources {
        let reader = &models[source.model].reader;
        kept += models[source.model].adapter.as_ref().map_or(0, |adapter| adapter.bytes(&source.name));
        if !reader.in_parts(&source.name)? {
            kept += reader.entry(&source.name).map_or(0, weights::Entry::bytes);
        }
    }
    let runs = 2 * output.sources.len() + BESIDE;
    let counts = if matches!(output.work, Work::Differences(_) | Work::Sce { .. }) { COUNTS } else { 0 };
    let chunk = output.work.chunks(&output.entry.shape).length();
    Ok((kept, 4 * chunk * runs + 8 * counts * output.sources.len()))
}
