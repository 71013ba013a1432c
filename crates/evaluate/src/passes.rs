//! Runs of a graph over the chunks of a data set.

use std::collections::{BTreeMap, VecDeque, btree_map::Entry};

use graph::{ExecError, Executable, Executor, Graph, Held, Placed, Value, team};
use tensor::Tensor;

/// A graph prepared for the chunks of a data set, which the devices of a team take in turn.
pub(crate) struct Passes {
    members: usize,
    /// How many chunks may be under way: two on one device with memory of its own, so that one is sent while the other is
    /// computed.
    most: usize,
    /// By the device's position and the chunk's length.
    prepared: BTreeMap<(usize, usize), Box<dyn Executable>>,
}

impl Passes {
    /// Compiles the graph for chunks of these lengths.
    pub(crate) fn new(
        executor: &dyn Executor,
        lengths: impl IntoIterator<Item = usize>,
        mut graph: impl FnMut(usize) -> Graph,
    ) -> Result<Self, ExecError> {
        let team = team(executor);
        let (members, mut prepared) = (team.len(), BTreeMap::new());
        for (turn, length) in lengths.into_iter().enumerate() {
            let member = turn % members;
            if let Entry::Vacant(place) = prepared.entry((member, length)) {
                place.insert(team[member].compile(&graph(length), &[])?);
            }
        }
        let most = if executor.is_remote() { members.max(2) } else { members };
        Ok(Self { members, most, prepared })
    }

    /// Begins a pass with arguments that are the same for every chunk, and come first.
    pub(crate) fn begin<'a, T>(&'a mut self, fixed: &[&'a Tensor]) -> Result<Pass<'a, T>, ExecError> {
        let hold = |member: usize| {
            let of_member = self.prepared.iter().find(|((of, _), _)| *of == member);
            let held =
                of_member.map(|(_, executable)| fixed.iter().map(|tensor| executable.hold(tensor)).collect());
            held.unwrap_or_else(|| Ok(Vec::new()))
        };
        let held = (0..self.members).map(hold).collect::<Result<_, _>>()?;
        Ok(Pass { passes: self, held, turn: 0, running: VecDeque::new() })
    }
}

/// A pass under way. With each chunk goes something that is given back with its results.
pub(crate) struct Pass<'a, T> {
    passes: &'a mut Passes,
    held: Vec<Vec<Held<'a>>>,
    turn: usize,
    running: VecDeque<(T, Vec<Value>)>,
}

impl<T> Pass<'_, T> {
    /// Starts the next chunk, of this length, with the tensors that are in `with`; returns the results of an earlier one, in
    /// the order of the chunks, where as many are under way as may be.
    pub(crate) fn put(
        &mut self,
        length: usize,
        with: T,
        data: impl FnOnce(&T) -> Vec<&Tensor>,
    ) -> Result<Option<(T, Vec<Tensor>)>, ExecError> {
        let member = self.turn % self.passes.members;
        let Some(executable) = self.passes.prepared.get_mut(&(member, length)) else {
            unreachable!("prepared for every chunk")
        };
        let held = self.held[member].iter().map(Held::placed);
        let arguments = held.chain(data(&with).into_iter().map(Placed::Tensor)).collect();
        let results = executable.run_placed(arguments)?;
        self.running.push_back((with, results));
        self.turn += 1;
        if self.running.len() < self.passes.most { Ok(None) } else { self.take() }
    }

    /// The results of the first chunk that has not been taken.
    pub(crate) fn take(&mut self) -> Result<Option<(T, Vec<Tensor>)>, ExecError> {
        let Some((with, results)) = self.running.pop_front() else { return Ok(None) };
        let results = results.into_iter().map(Value::into_tensor).collect::<Result<_, _>>()?;
        Ok(Some((with, results)))
    }
}
