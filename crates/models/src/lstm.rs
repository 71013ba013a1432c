//! Recurrent networks that predict the next token.

use graph::{Val, composite::Recurrent};
use tensor::Shape;

use crate::{
    Input, ModelError,
    architecture::Architecture,
    init::Kind,
    layout::Layout,
    named::Named,
    net::Net,
    options::{Line, MOST, MOST_REPEATED, Options},
};

/// An LSTM language model with the names of PyTorch's `word_language_model` example: an embedding `encoder` as wide as
/// the hidden layers, `rnn` (an `nn.LSTM`) and a linear `decoder`. Each text starts from a state of zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lstm {
    vocabulary: usize,
    hidden: usize,
    layers: usize,
    steps: usize,
}

/// The options of an LSTM.
#[derive(Clone, Copy, PartialEq)]
enum Opt {
    Vocabulary,
    Hidden,
    Layers,
    Steps,
}

impl Named for Opt {
    const KIND: &'static str = "option of lstm";
    const MEMBERS: &'static [Self] = &[Self::Vocabulary, Self::Hidden, Self::Layers, Self::Steps];

    fn name(self) -> &'static str {
        match self {
            Self::Vocabulary => "vocab",
            Self::Hidden => "hidden",
            Self::Layers => "layers",
            Self::Steps => "steps",
        }
    }
}

impl Default for Lstm {
    /// A small model of characters, for 96 of them (the printable ones of ASCII and the end of a line): ours.
    fn default() -> Self {
        Self { vocabulary: 96, hidden: 256, layers: 1, steps: 64 }
    }
}

/// The parts of a layer's parameters: PyTorch's names.
const PARTS: [&str; 4] = ["weight_ih", "weight_hh", "bias_ih", "bias_hh"];

fn name(part: &str, layer: usize) -> String {
    format!("rnn.{part}_l{layer}")
}

impl Lstm {
    /// Reads the options of `lstm`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        let mut lstm = Self::default();
        for (option, value) in Options::<Opt>::read(line, line.options())? {
            let most = if matches!(option, Opt::Layers | Opt::Steps) { MOST_REPEATED } else { MOST };
            let size = line.option_size(option, value, most)?;
            match option {
                Opt::Vocabulary => lstm.vocabulary = size,
                Opt::Hidden => lstm.hidden = size,
                Opt::Layers => lstm.layers = size,
                Opt::Steps => lstm.steps = size,
            }
        }
        Ok(lstm)
    }
}

fn parameters(net: &Net, layer: usize) -> Recurrent {
    let [input, recurrent, input_bias, recurrent_bias] = PARTS.map(|part| net.get(&name(part, layer)));
    Recurrent { input, recurrent, input_bias: Some(input_bias), recurrent_bias: Some(recurrent_bias) }
}

impl Lstm {
    /// The embedding and the first layer. Equal tokens have equal projections: where there are fewer different tokens
    /// than places for them, the table is projected and not each place.
    fn emit_first(&self, net: &mut Net, tokens: Val) -> Val {
        let (table, first) = (net.get("encoder.weight"), parameters(net, 0));
        if net.b.shape(tokens).elements() <= self.vocabulary {
            let x = net.b.embedding(table, tokens);
            return net.b.lstm(x, None, first).0;
        }
        let [input_bias, recurrent_bias] = [PARTS[2], PARTS[3]].map(|part| net.get(&name(part, 0)));
        let bias = net.b.add(input_bias, recurrent_bias);
        let table = net.b.linear(table, first.input, Some(bias));
        let projected = net.b.embedding(table, tokens);
        net.b.lstm_projected(projected, None, first.recurrent).0
    }
}

impl Architecture for Lstm {
    fn spec(&self) -> String {
        let default = Self::default();
        let mut options = Options::print("lstm", "");
        options.show(Opt::Vocabulary, self.vocabulary, default.vocabulary);
        options.show(Opt::Hidden, self.hidden, default.hidden);
        options.show(Opt::Layers, self.layers, default.layers);
        options.show(Opt::Steps, self.steps, default.steps);
        options.line()
    }

    fn input(&self) -> Input {
        Input::Tokens { count: self.steps, vocabulary: self.vocabulary }
    }

    fn classes(&self) -> usize {
        self.vocabulary
    }

    fn layout(&self) -> Layout {
        let (hidden, gates) = (self.hidden, 4 * self.hidden);
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
        let x = (1..self.layers).fold(x, |x, layer| {
            let parameters = parameters(net, layer);
            net.b.lstm(x, None, parameters).0
        });
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
    fn too_many_steps_and_layers_are_refused() {
        for option in ["steps", "layers"] {
            let error = Model::parse(&format!("lstm:{option}=4097")).unwrap_err().to_string();
            assert!(error.contains(&format!("{option} from 1 to 4096, found '4097'")), "{error}");
        }
    }
}
