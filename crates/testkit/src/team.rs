//! Executors that share work, for tests without devices.

use graph::{Donation, ExecError, Executable, Executor, Graph};

/// The first executor with the others as its companions.
pub struct Team {
    first: Box<dyn Executor>,
    companions: Vec<Box<dyn Executor>>,
}

impl Team {
    /// A team of `count` executors of one kind.
    ///
    /// # Panics
    /// Where there is none.
    #[must_use]
    pub fn of(count: usize, member: impl Fn() -> Box<dyn Executor>) -> Self {
        assert!(count > 0, "a team has a first member");
        Self { first: member(), companions: (1..count).map(|_| member()).collect() }
    }
}

impl Executor for Team {
    fn name(&self) -> String {
        format!("a team of {}", 1 + self.companions.len())
    }

    fn compile(&self, graph: &Graph, donations: &[Donation]) -> Result<Box<dyn Executable>, ExecError> {
        self.first.compile(graph, donations)
    }

    fn companions(&self) -> &[Box<dyn Executor>] {
        &self.companions
    }
}
