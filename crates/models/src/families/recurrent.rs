//! Recurrent networks that predict the next token.

use graph::{Val, composite::Recurrent as Parameters};
use tensor::Shape;

use crate::{
    Input, Labels, ModelError,
    architecture::Architecture,
    init::Kind,
    layout::Layout,
    line::{Line, MOST_REPEATED},
    net::Net,
    settings::{Setting, Specified, Written},
};

/// A recurrent language model with the names of PyTorch's `word_language_model` example: an embedding `encoder` as wide as
/// the hidden layers, `rnn` (an `nn.LSTM` or `nn.GRU`) and a linear `decoder`. Each text starts from a state of zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recurrent {
    cell: Cell,
    vocabulary: usize,
    hidden: usize,
    layers: usize,
    steps: usize,
}

/// What a layer does at each step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Long short-term memory.
    Lstm,
    /// A gated recurrent unit.
    Gru,
}

impl Cell {
    const fn name(self) -> &'static str {
        match self {
            Self::Lstm => "lstm",
            Self::Gru => "gru",
        }
    }

    const fn gates(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
        }
    }
}

/// The parts of a layer's parameters: PyTorch's names.
const PARTS: [&str; 4] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];

fn name(part: &str, layer: usize) -> String {
    format!("rnn.{part}_l{layer}")
}

fn parameters(net: &Net, layer: usize) -> Parameters {
    let [input, recurrent, input_bias, recurrent_bias] = PARTS.map(|part| net.get(&name(part, layer)));
    Parameters { input, recurrent, input_bias: Some(input_bias), recurrent_bias: Some(recurrent_bias) }
}

impl Recurrent {
    /// A small model of characters, for 96 of them (the printable ones of ASCII and the end of a line): ours.
    const fn new(cell: Cell) -> Self {
        Self { cell, vocabulary: 96, hidden: 256, layers: 1, steps: 64 }
    }

    /// Reads the options of `lstm` and `gru`.
    pub(crate) fn parse(cell: Cell, line: Line<'_>) -> Result<Self, ModelError> {
        Self::new(cell).read(line, line.options())
    }

    /// The embedding and the first layer. Equal tokens have equal projections: where there are fewer different tokens
    /// than places for them, an LSTM's table is projected and not each place.
    fn emit_first(&self, net: &mut Net, tokens: Val) -> Val {
        let table = net.get("encoder.weight");
        if self.cell == Cell::Gru || net.b.shape(tokens).elements() <= self.vocabulary {
            let x = net.b.embedding(table, tokens);
            return self.emit_layer(net, 0, x);
        }
        let first = parameters(net, 0);
        let [input_bias, recurrent_bias] = [PARTS[2], PARTS[3]].map(|part| net.get(&name(part, 0)));
        let bias = net.b.add(input_bias, recurrent_bias);
        let table = net.b.linear(table, first.input, Some(bias));
        let projected = net.b.embedding(table, tokens);
        net.b.lstm_projected(projected, None, first.recurrent).0
    }

    fn emit_layer(&self, net: &mut Net, layer: usize, x: Val) -> Val {
        let parameters = parameters(net, layer);
        match self.cell {
            Cell::Lstm => net.b.lstm(x, None, parameters).0,
            Cell::Gru => net.b.gru(x, None, parameters),
        }
    }
}

impl Specified for Recurrent {
    const OPTION: &'static str = "option of lstm and gru";

    fn head(&self) -> String {
        self.cell.name().to_owned()
    }

    fn standard(&self) -> Self {
        Self::new(self.cell)
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::size("vocab", &mut self.vocabulary),
            Setting::size("hidden", &mut self.hidden),
            Setting::bounded("layers", &mut self.layers, 1, MOST_REPEATED),
            Setting::bounded("steps", &mut self.steps, 1, MOST_REPEATED),
        ]
    }

    fn check(&self, _: Line<'_>) -> Result<(), ModelError> {
        Ok(())
    }
}

impl Architecture for Recurrent {
    fn written(&self) -> Written {
        Specified::written(self)
    }

    fn input(&self) -> Input {
        Input::Tokens { count: self.steps, vocabulary: self.vocabulary }
    }

    fn labels(&self) -> Labels {
        Labels::NextTokens(self.steps)
    }

    fn classes(&self) -> Option<usize> {
        Some(self.vocabulary)
    }

    fn layout(&self) -> Layout {
        let (hidden, gates) = (self.hidden, self.cell.gates() * self.hidden);
        let mut layout = Layout::default();
        layout.parameter("encoder.weight", [self.vocabulary, hidden], Kind::Embedding { deviation: 1.0 });
        for layer in 0..self.layers {
            // PyTorch draws all of them uniformly within ±1/√hidden.
            for part in &PARTS[..2] {
                layout.parameter(&name(part, layer), [gates, hidden], Kind::Weight { inputs: hidden });
            }
            for part in &PARTS[2..] {
                layout.parameter(&name(part, layer), [gates], Kind::Bias { inputs: hidden });
            }
        }
        layout.linear("decoder", hidden, self.vocabulary, true);
        layout
    }

    fn emit(&self, net: &mut Net, tokens: Val) -> Val {
        let batch = net.b.shape(tokens)[0];
        // Steps come first, so that each step's examples lie together.
        let tokens = net.b.transpose(tokens, &[1, 0]);
        let x = self.emit_first(net, tokens);
        let x = (1..self.layers).fold(x, |x, layer| self.emit_layer(net, layer, x));
        let rows = net.b.reshape(x, &Shape::from([self.steps * batch, self.hidden]));
        let logits = net.linear("decoder", rows);
        let logits = net.b.reshape(logits, &Shape::from([self.steps, batch, self.vocabulary]));
        net.b.transpose(logits, &[1, 0, 2])
    }
}

#[cfg(test)]
mod tests {
    use crate::Model;

    #[test]
    fn parameters_are_those_of_the_word_language_model() {
        let model = Model::parse("lstm:vocab=10,hidden=3,layers=2").unwrap();
        let listed: Vec<String> =
            model.parameters().iter().map(|(name, shape)| format!("{name} {shape}")).collect();
        assert_eq!(
            listed[..3],
            ["encoder.weight [10, 3]", "rnn.weight_ih_l0 [12, 3]", "rnn.weight_hh_l0 [12, 3]"]
        );
        assert_eq!(
            listed[7..],
            ["rnn.bias_ih_l1 [12]", "rnn.bias_hh_l1 [12]", "decoder.weight [10, 3]", "decoder.bias [10]"]
        );
    }

    #[test]
    fn a_gru_has_three_gates() {
        let model = Model::parse("gru:vocab=10,hidden=3").unwrap();
        assert_eq!(model.parameters()[1].1.to_vec(), [9, 3]);
    }

    #[test]
    fn too_many_steps_and_layers_are_refused() {
        for option in ["steps", "layers"] {
            let error = Model::parse(&format!("lstm:{option}=4097")).unwrap_err().to_string();
            assert!(error.contains(&format!("{option} from 1 to 4096, found '4097'")), "{error}");
        }
    }
}
