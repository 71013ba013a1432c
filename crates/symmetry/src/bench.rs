//! Running a network in its modes before and after a move of its parameters.

use graph::{Argument, Executable, Executor, Graph, Input, Role, Ty};
use models::Params;
use pulp::{Arch, Simd, WithSimd};
use tensor::{DType, Key, Tensor, parallel};

use crate::{SymmetryError, scaling::old_state};

/// A network in its modes, with parameters that are moved where they are.
pub(crate) struct Bench<'a> {
    modes: Vec<Mode<'a>>,
    params: Params,
}

/// The network in one of its modes.
struct Mode<'a> {
    graph: &'a Graph,
    executable: Box<dyn Executable>,
    data: Params,
    /// What the outputs are to be.
    expected: Vec<Tensor>,
}

impl<'a> Bench<'a> {
    /// The network that `graphs` compute in its modes. Parameters are drawn into `room`, as far as it has tensors of their names
    /// and shapes: fresh memory costs more than random numbers.
    ///
    /// # Errors
    /// Where a floating-point input is not `f64`, or a graph cannot be compiled.
    pub(crate) fn new(
        executor: &dyn Executor,
        graphs: &[&'a Graph],
        room: Params,
    ) -> Result<Self, SymmetryError> {
        graphs.iter().try_for_each(|graph| check_precision(graph))?;
        let mode = |graph: &&'a Graph| {
            let executable = executor.compile(graph, &[])?;
            Ok(Mode { graph, executable, data: Params::default(), expected: Vec::new() })
        };
        let modes = graphs.iter().map(mode).collect::<Result<_, SymmetryError>>()?;
        Ok(Self { modes, params: room })
    }

    /// The memory of the parameters.
    pub(crate) fn into_room(self) -> Params {
        self.params
    }

    /// Draws all inputs anew, and runs the network there. Inputs of the same name are the same in all modes.
    pub(crate) fn draw(&mut self, key: Key) -> Result<(), SymmetryError> {
        let mut subjects: Vec<(&Graph, &Input)> = Vec::new();
        for mode in &self.modes {
            for input in mode.graph.inputs().iter().filter(|input| input.role != Role::Data) {
                if !subjects.iter().any(|(_, other)| other.name == input.name) {
                    subjects.push((mode.graph, input));
                }
            }
        }
        self.params = drawn(&subjects, key, std::mem::take(&mut self.params));
        for mode in &mut self.modes {
            let data = mode.graph.inputs().iter().filter(|input| input.role == Role::Data);
            let data: Vec<(&Graph, &Input)> = data.map(|input| (mode.graph, input)).collect();
            mode.data = drawn(&data, key, Params::default());
            mode.expected = mode.outputs(&self.params)?;
        }
        Ok(())
    }

    /// The largest change of an output, relative to the output's largest magnitude, when `act` has moved the parameters once more
    /// since they were drawn. It must move any of them, and states, alone: new states are to be moved as old ones are.
    pub(crate) fn change(
        &mut self,
        act: impl Fn(&mut Params) -> Result<(), SymmetryError>,
    ) -> Result<f64, SymmetryError> {
        act(&mut self.params)?;
        let mut worst = 0.0;
        for mode in &mut self.modes {
            mode.move_states(&act)?;
            let found = mode.outputs(&self.params)?;
            let changes = mode.expected.iter().zip(&found).map(|(here, there)| relative_change(here, there));
            worst = changes.fold(worst, f64::max);
        }
        Ok(worst)
    }

    /// The largest relative difference between the outputs of the first graph at the parameters that were drawn and those of the
    /// last where they are changed.
    pub(crate) fn difference(
        &mut self,
        change: impl FnOnce(&Params) -> Params,
    ) -> Result<f64, SymmetryError> {
        let changed = change(&self.params);
        let Some(last) = self.modes.last_mut() else { return Ok(0.0) };
        let found = last.outputs(&changed)?;
        let pairs = self.modes[0].expected.iter().zip(&found);
        Ok(pairs.map(|(expected, found)| relative_change(expected, found)).fold(0.0, f64::max))
    }
}

impl Mode<'_> {
    fn outputs(&mut self, params: &Params) -> Result<Vec<Tensor>, SymmetryError> {
        let given = |input: &Input| params.get(&input.name).or_else(|| self.data.get(&input.name));
        let arguments = self.graph.inputs().iter().filter_map(given).map(Argument::from).collect();
        Ok(self.executable.run(arguments)?)
    }

    fn move_states(
        &mut self,
        act: impl Fn(&mut Params) -> Result<(), SymmetryError>,
    ) -> Result<(), SymmetryError> {
        for (output, expected) in self.graph.outputs().iter().zip(&mut self.expected) {
            if old_state(self.graph, &output.name, output.val).is_some() {
                let mut state = Params::from_pairs([(output.name.as_str(), expected.clone())]);
                act(&mut state)?;
                state.into_values().into_iter().for_each(|moved| *expected = moved);
            }
        }
        Ok(())
    }
}

fn check_precision(graph: &Graph) -> Result<(), SymmetryError> {
    let imprecise = graph.inputs().iter().find(|input| graph.ty(input.val).dtype == DType::F32);
    match imprecise {
        None => Ok(()),
        Some(input) => Err(SymmetryError::Precision {
            graph: graph.name().to_owned(),
            input: input.name.clone(),
            found: graph.ty(input.val).clone(),
        }),
    }
}

/// Random values for inputs, in tensors of `room` where there are any for them.
fn drawn(inputs: &[(&Graph, &Input)], key: Key, mut room: Params) -> Params {
    let draw = |&(graph, input): &(&Graph, &Input)| {
        let ty = graph.ty(input.val);
        let used = room.get_mut(&input.name).map(|tensor| std::mem::replace(tensor, Tensor::scalar(0.0)));
        let used = used.filter(|used| *used.shape() == ty.shape && used.dtype() == DType::F64);
        let mut values = used.unwrap_or_else(|| Tensor::zeros(DType::F64, ty.shape.clone()));
        fill(&mut values, input.role, ty, key.child(&input.name));
        (input.name.clone(), values.converted(ty.dtype))
    };
    Params::from_pairs(inputs.iter().map(draw))
}

/// Numbers that are drawn by one parallel task.
const DRAWN_AT_ONCE: usize = 1 << 14;

fn fill(values: &mut Tensor, role: Role, ty: &Ty, key: Key) {
    let number = random_number(role, ty);
    let Ok(values) = values.as_mut_slice::<f64>() else { return };
    let arch = Arch::new();
    parallel::for_each_chunk(values, DRAWN_AT_ONCE, |first, values| {
        let mut words = vec![0; values.len()];
        arch.dispatch(Words { key, first: first as u64, words: &mut words });
        values.iter_mut().zip(words).for_each(|(value, word)| *value = number(word));
    });
}

/// Random words, made with all that the processor has.
struct Words<'a> {
    key: Key,
    first: u64,
    words: &'a mut [i32],
}

impl WithSimd for Words<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        self.key.words(0, self.first, self.words);
    }
}

/// What becomes of a random word in an input of a role: see [`certify`](crate::certify()).
fn random_number(role: Role, ty: &Ty) -> impl Fn(i32) -> f64 + Sync {
    let fan_in = if role == Role::Parameter { ty.shape.iter().skip(1).product::<usize>() } else { 1 };
    let (is_float, is_state) = (ty.dtype.is_float(), role == Role::State);
    let factor = 3f64.sqrt() * 2f64.powi(-31) / (fan_in as f64).sqrt();
    move |word| match (is_float, is_state) {
        (false, _) => f64::from(u8::from(word > 0)),
        (true, false) => factor * f64::from(word),
        (true, true) => 0.5 + (factor * f64::from(word)).abs(),
    }
}

/// The largest difference of two outputs over the largest magnitude of the first.
fn relative_change(here: &Tensor, there: &Tensor) -> f64 {
    let (here_values, there_values) = (here.to_f64_vec(), there.to_f64_vec());
    if [&here_values, &there_values].iter().any(|values| values.iter().any(|x| !x.is_finite())) {
        return f64::INFINITY;
    }
    let change =
        here_values.iter().zip(&there_values).fold(0.0, |most, (h, t)| f64::max(most, (h - t).abs()));
    let scale = here_values.iter().fold(0.0, |most, x| f64::max(most, x.abs()));
    if change == 0.0 { 0.0 } else { change / scale }
}
