//! Programs that have been compiled before.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use graph::{Donation, ExecError, Graph};

use crate::{
    fingerprint::fingerprint,
    program::{Options, Program},
};

/// Most programs that are kept. Ours: training, evaluation and curvature of one model need fewer.
const MAX_PROGRAMS: usize = 32;

/// The programs compiled last, for graphs, donations and options; those not used for longest make room for others.
/// Programs hold the graph's constants, but no working memory.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Vec<(Key, Arc<Program>)>>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    graph: [u64; 2],
    donations: Vec<(usize, usize)>,
    options: Options,
}

impl Cache {
    /// The program for a graph: one that has been compiled before, or a new one.
    ///
    /// # Errors
    /// As compilation.
    pub(crate) fn program(
        &self,
        graph: &Graph,
        donations: &[Donation],
        options: Options,
    ) -> Result<Arc<Program>, ExecError> {
        let donated = donations.iter().map(|donation| (donation.input, donation.output)).collect();
        let key = Key { graph: fingerprint(graph), donations: donated, options };
        if let Some(program) = self.found(&key) {
            return Ok(program);
        }
        // Other threads may compile meanwhile.
        let program = Arc::new(Program::new(graph, donations, options)?);
        let mut programs = self.programs();
        if programs.len() == MAX_PROGRAMS {
            programs.remove(0);
        }
        programs.push((key, Arc::clone(&program)));
        Ok(program)
    }

    /// The program for a key, which becomes the one used last.
    fn found(&self, key: &Key) -> Option<Arc<Program>> {
        let mut programs = self.programs();
        let position = programs.iter().position(|(other, _)| other == key)?;
        let entry = programs.remove(position);
        let program = Arc::clone(&entry.1);
        programs.push(entry);
        Some(program)
    }

    fn programs(&self) -> MutexGuard<'_, Vec<(Key, Arc<Program>)>> {
        // Entries are whole even where a thread has panicked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use graph::{Builder, Ty};

    use super::*;
    use crate::isa::Isa;

    fn graph(size: usize) -> Graph {
        let mut b = Builder::new("g");
        let x = b.data("x", Ty::f32([size]));
        let y = b.negate(x);
        b.output("y", y);
        b.finish()
    }

    fn program(cache: &Cache, size: usize, donations: &[Donation]) -> Arc<Program> {
        let options = Options { fusing: true, isa: Isa::best() };
        cache.program(&graph(size), donations, options).expect("the graph fits in memory")
    }

    #[test]
    fn a_graph_is_compiled_once_for_the_same_donations() {
        let cache = Cache::default();
        let first = program(&cache, 3, &[]);
        assert!(Arc::ptr_eq(&first, &program(&cache, 3, &[])));
        assert!(!Arc::ptr_eq(&first, &program(&cache, 4, &[])));
        assert!(!Arc::ptr_eq(&first, &program(&cache, 3, &[Donation { input: 0, output: 0 }])));
    }

    #[test]
    fn programs_not_used_for_longest_make_room() {
        let cache = Cache::default();
        let (first, second) = (program(&cache, 1, &[]), program(&cache, 2, &[]));
        for size in 3..=MAX_PROGRAMS + 1 {
            program(&cache, 1, &[]);
            program(&cache, size, &[]);
        }
        assert!(Arc::ptr_eq(&first, &program(&cache, 1, &[])));
        assert!(!Arc::ptr_eq(&second, &program(&cache, 2, &[])));
    }
}
