//! Recurrent layers, unrolled over their steps.

use graph::{
    Val,
    composite::{LstmState, Recurrent},
    ops,
};

use super::node::{Node, Outputs, Value};
use crate::error::{Fault, invalid, unsupported};

/// Most steps that are unrolled. Ours: the graph grows with them.
const MOST_STEPS: usize = 1 << 12;

/// The sizes of a recurrent layer.
#[derive(Clone, Copy)]
struct Sizes {
    steps: usize,
    batch: usize,
    hidden: usize,
}

/// What a layer computes in one direction.
struct Pass {
    /// `F[T, N, H]`.
    states: Val,
    /// `F[N, H]`.
    last: Val,
    /// `F[N, H]`, of an LSTM.
    cell: Option<Val>,
}

/// In which order the steps are gone through.
#[derive(Clone, Copy)]
enum Direction {
    Forward,
    Reverse,
    Both,
}

/// A layer of `G` gates with an operator's conventions.
struct Layer<'n, 'a> {
    node: &'n mut Node<'a>,
    x: Val,
    sizes: Sizes,
    /// Where each gate of PyTorch's order stands in ONNX's.
    order: &'static [usize],
}

impl<'n, 'a> Layer<'n, 'a> {
    /// Reads and checks all operands.
    fn new(node: &'n mut Node<'a>, order: &'static [usize]) -> Result<Self, Fault> {
        let (x, w, r) = (node.float_x(0)?, node.float_x(1)?, node.float_x(2)?);
        let shapes = [x, w, r].map(|val| node.b.shape(val).clone());
        let (&[steps, batch, inputs], &[_, _, hidden]) = (&shapes[0][..], &shapes[2][..]) else {
            let found = format!("{} and {}", shapes[0], shapes[2]);
            return invalid("steps [T, N, I] and weights [D, G H, H]", found);
        };
        let (directions, rows) = (node.directions()?.len(), order.len() * hidden);
        if shapes[1][..] != [directions, rows, inputs] || shapes[2][..] != [directions, rows, hidden] {
            let expected =
                format!("weights [{directions}, {rows}, {inputs}] and [{directions}, {rows}, {hidden}]");
            return invalid(expected, format!("{} and {}", shapes[1], shapes[2]));
        }
        if steps == 0 || steps > MOST_STEPS {
            return unsupported(format!("{steps} steps: from 1 to {MOST_STEPS} are unrolled"));
        }
        node.check_plain_steps(steps)?;
        Ok(Self { node, x, sizes: Sizes { steps, batch, hidden }, order })
    }

    /// The matrix or vector of one direction, with its gates in PyTorch's order.
    fn gates(&mut self, stacked: Val, direction: usize, first: usize) -> Result<Val, Fault> {
        let hidden = self.sizes.hidden;
        let one = self.node.range(stacked, 0, direction..direction + 1)?;
        let rest = self.node.b.shape(one).without(&[0]);
        let one = self.node.reshape(one, rest)?;
        let mut parts = Vec::new();
        for &place in self.order {
            let start = first + place * hidden;
            parts.push(self.node.range(one, 0, start..start + hidden)?);
        }
        if parts.len() == 1 { Ok(parts[0]) } else { self.node.apply(ops::Concatenate { axis: 0 }, &parts) }
    }

    /// The parameters of one direction.
    fn parameters(&mut self, direction: usize) -> Result<Recurrent, Fault> {
        let (w, r) = (self.node.x(1)?, self.node.x(2)?);
        let rows = self.order.len() * self.sizes.hidden;
        let (input, recurrent) = (self.gates(w, direction, 0)?, self.gates(r, direction, 0)?);
        let [mut input_bias, mut recurrent_bias] = [None, None];
        if let Some(bias) = self.node.optional(3)? {
            let expected = [self.node.directions()?.len(), 2 * rows];
            if **self.node.b.shape(bias) != expected {
                return invalid(format!("biases {expected:?}"), self.node.b.ty(bias));
            }
            input_bias = Some(self.gates(bias, direction, 0)?);
            recurrent_bias = Some(self.gates(bias, direction, rows)?);
        }
        Ok(Recurrent { input, recurrent, input_bias, recurrent_bias })
    }

    /// The initial state of one direction, which an input holds.
    fn initial(&mut self, position: usize, direction: usize) -> Result<Option<Val>, Fault> {
        let Some(state) = self.node.optional(position)? else { return Ok(None) };
        let Sizes { batch, hidden, .. } = self.sizes;
        let expected = [self.node.directions()?.len(), batch, hidden];
        if **self.node.b.shape(state) != expected {
            return invalid(format!("initial states {expected:?}"), self.node.b.ty(state));
        }
        let one = self.node.range(state, 0, direction..direction + 1)?;
        Ok(Some(self.node.reshape(one, [batch, hidden])?))
    }

    /// All directions, each run by `pass` on steps in the order in which it goes through them.
    fn run(mut self, pass: fn(&mut Self, Val, usize) -> Result<Pass, Fault>) -> Outputs {
        let mut passes = Vec::new();
        for (direction, reversed) in self.node.directions()?.into_iter().enumerate() {
            let x = self.turned(self.x, reversed)?;
            let mut found = pass(&mut self, x, direction)?;
            found.states = self.turned(found.states, reversed)?;
            passes.push(found);
        }
        let Sizes { steps, batch, hidden } = self.sizes;
        let states: Vec<Val> = passes.iter().map(|pass| pass.states).collect();
        let mut outputs = vec![self.side_by_side(&states, [steps, 1, batch, hidden], 1)?];
        let last: Vec<Val> = passes.iter().map(|pass| pass.last).collect();
        outputs.push(self.side_by_side(&last, [1, batch, hidden], 0)?);
        let cells: Vec<Val> = passes.iter().filter_map(|pass| pass.cell).collect();
        if !cells.is_empty() {
            outputs.push(self.side_by_side(&cells, [1, batch, hidden], 0)?);
        }
        Ok(outputs)
    }

    fn turned(&mut self, x: Val, reversed: bool) -> Result<Val, Fault> {
        if reversed { self.node.apply(ops::Reverse { axes: vec![0] }, &[x]) } else { Ok(x) }
    }

    /// What each direction computed, along an axis for the directions.
    fn side_by_side<const N: usize>(
        &mut self,
        parts: &[Val],
        shape: [usize; N],
        axis: usize,
    ) -> Result<Value, Fault> {
        let parts =
            parts.iter().map(|&part| self.node.reshape(part, shape)).collect::<Result<Vec<_>, _>>()?;
        let all =
            if parts.len() == 1 { parts[0] } else { self.node.apply(ops::Concatenate { axis }, &parts)? };
        Ok(Value::Plain(all))
    }
}

impl Node<'_> {
    /// For each direction, whether the steps are gone through from the last to the first.
    fn directions(&self) -> Result<Vec<bool>, Fault> {
        let words = [
            ("forward", Direction::Forward),
            ("reverse", Direction::Reverse),
            ("bidirectional", Direction::Both),
        ];
        Ok(match self.word("direction", "forward", &words)? {
            Direction::Forward => vec![false],
            Direction::Reverse => vec![true],
            Direction::Both => vec![false, true],
        })
    }

    /// Refuses what changes the layer in a way that is not supported.
    fn check_plain_steps(&self, steps: usize) -> Result<(), Fault> {
        for name in ["clip", "activation_alpha", "activation_beta"] {
            if self.has(name) {
                return unsupported(format!("the attribute '{name}'"));
            }
        }
        if self.flag("input_forget")? || self.flag("layout")? {
            return unsupported("input_forget and batches first");
        }
        let full = |lengths: Vec<i64>| lengths.iter().all(|&length| length == steps as i64);
        match self.known_ints(4)? {
            Some(lengths) if !full(lengths.clone()) => unsupported("texts of different lengths"),
            _ => Ok(()),
        }
    }

    /// Refuses other activation functions than these, in each direction.
    fn check_activations(&self, expected: &[&str]) -> Result<(), Fault> {
        let Some(found) = self.texts("activations")?.filter(|found| !found.is_empty()) else { return Ok(()) };
        let is_expected = found.chunks(expected.len()).all(|chunk| chunk == expected);
        if is_expected { Ok(()) } else { unsupported(format!("activations {found:?}")) }
    }
}

/// Gates input, output, forget, candidate: PyTorch has input, forget, candidate, output.
pub(super) fn lstm(node: &mut Node<'_>) -> Outputs {
    node.check_activations(&["Sigmoid", "Tanh", "Tanh"])?;
    if node.value(7).is_some() {
        return unsupported("peepholes");
    }
    Layer::new(node, &[0, 2, 3, 1])?.run(|layer, x, direction| {
        let parameters = layer.parameters(direction)?;
        let state = match (layer.initial(5, direction)?, layer.initial(6, direction)?) {
            (Some(hidden), Some(cell)) => Some(LstmState { hidden, cell }),
            (None, None) => None,
            _ => return unsupported("one initial state of two"),
        };
        let (states, last) = layer.node.b.lstm(x, state, parameters);
        Ok(Pass { states, last: last.hidden, cell: Some(last.cell) })
    })
}

/// Gates update, reset, candidate: PyTorch has reset, update, candidate.
pub(super) fn gru(node: &mut Node<'_>) -> Outputs {
    node.check_activations(&["Sigmoid", "Tanh"])?;
    if !node.flag("linear_before_reset")? {
        return unsupported("a reset gate before the recurrent product (linear_before_reset=0)");
    }
    Layer::new(node, &[1, 0, 2])?.run(|layer, x, direction| {
        let parameters = layer.parameters(direction)?;
        let initial = layer.initial(5, direction)?;
        let states = layer.node.b.gru(x, initial, parameters);
        let last = layer.last(states)?;
        Ok(Pass { states, last, cell: None })
    })
}

impl Layer<'_, '_> {
    /// The state after the last step.
    fn last(&mut self, states: Val) -> Result<Val, Fault> {
        let Sizes { steps, batch, hidden } = self.sizes;
        let last = self.node.range(states, 0, steps - 1..steps)?;
        self.node.reshape(last, [batch, hidden])
    }
}

/// A layer without gates, `f(x wᵀ + h rᵀ + biases)`.
pub(super) fn rnn(node: &mut Node<'_>) -> Outputs {
    let names = node.texts("activations")?.unwrap_or_default();
    let is_relu = names.first().is_some_and(|name| name == "Relu");
    node.check_activations(if is_relu { &["Relu"] } else { &["Tanh"] })?;
    let pass: fn(&mut Layer<'_, '_>, Val, usize) -> Result<Pass, Fault> = if is_relu {
        |layer, x, direction| layer.plain(x, direction, true)
    } else {
        |layer, x, direction| layer.plain(x, direction, false)
    };
    Layer::new(node, &[0])?.run(pass)
}

impl Layer<'_, '_> {
    fn plain(&mut self, x: Val, direction: usize, is_relu: bool) -> Result<Pass, Fault> {
        let parameters = self.parameters(direction)?;
        let Sizes { steps, batch, hidden } = self.sizes;
        let mut state = self.initial(5, direction)?;
        let mut states = Vec::with_capacity(steps);
        for step in 0..steps {
            let x = self.node.range(x, 0, step..step + 1)?;
            let inputs = self.node.b.shape(x)[2];
            let x = self.node.reshape(x, [batch, inputs])?;
            let mut sum = self.node.b.linear(x, parameters.input, parameters.input_bias);
            match (state, parameters.recurrent_bias) {
                (Some(state), bias) => {
                    let recurrent = self.node.b.linear(state, parameters.recurrent, bias);
                    sum = self.node.apply(ops::Add, &[sum, recurrent])?;
                }
                (None, Some(bias)) => sum = self.node.binary(ops::Add, sum, bias)?,
                (None, None) => {}
            }
            let next =
                if is_relu { self.node.at_least(sum, 0.0)? } else { self.node.apply(ops::Tanh, &[sum])? };
            states.push(self.node.reshape(next, [1, batch, hidden])?);
            state = Some(next);
        }
        let Some(last) = state else { return invalid("steps", "none") };
        let states = self.node.apply(ops::Concatenate { axis: 0 }, &states)?;
        Ok(Pass { states, last, cell: None })
    }
}
