//! Graph convolutional networks.

use graph::Val;
use tensor::Shape;

use crate::{
    Activation, Input, Labels, ModelError,
    architecture::{Architecture, ShapeOf},
    init::Kind,
    layout::Layout,
    line::{Line, MOST},
    model::Network,
    net::Net,
    settings::{Setting, Specified, Written},
};

/// A graph convolutional network (Kipf and Welling 2016, arXiv:1609.02907) on a dense adjacency matrix, with the names of PyTorch
/// Geometric's `GCNConv` layers `conv1`, `conv2`, …: a class of each node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gcn {
    /// Features of a node at the input, of each hidden layer, and of the logits; at least two, none 0.
    sizes: Vec<usize>,
    nodes: usize,
    activation: Activation,
}

impl Gcn {
    /// A network of these sizes.
    const fn new(sizes: Vec<usize>) -> Self {
        Self { sizes, nodes: 64, activation: Activation::Relu }
    }

    /// Reads what follows `gcn:`.
    pub(crate) fn parse(line: Line<'_>) -> Result<Self, ModelError> {
        let (sizes, rest) = line.rest.split_once(',').map_or((line.rest, None), |(s, r)| (s, Some(r)));
        Self::new(line.sizes(sizes, "gcn")?).read(line, rest)
    }

    /// Features `[N, nodes, I]` and adjacency `[N, nodes, nodes]` of a batch of examples.
    fn parts(&self, net: &mut Net, x: Val) -> [Val; 2] {
        let batch = net.b.shape(x)[0];
        let (nodes, features) = (self.nodes, self.sizes[0]);
        let border = nodes * features;
        let [own, adjacency] =
            [0..border, border..border + nodes * nodes].map(|range| net.b.slice_axis(x, 1, range));
        [(own, features), (adjacency, nodes)]
            .map(|(part, last)| net.b.reshape(part, &Shape::from([batch, nodes, last])))
    }
}

impl Specified for Gcn {
    const OPTION: &'static str = "option of gcn";

    fn head(&self) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(ToString::to_string).collect();
        format!("gcn:{}", sizes.join("-"))
    }

    fn standard(&self) -> Self {
        Self::new(self.sizes.clone())
    }

    fn settings(&mut self) -> Vec<Setting<'_>> {
        vec![
            Setting::bounded("nodes", &mut self.nodes, 1, MOST_NODES),
            Setting::choice("act", &mut self.activation),
        ]
    }

    fn check(&self, line: Line<'_>) -> Result<(), ModelError> {
        if self.sizes[0] <= MOST {
            return Ok(());
        }
        Err(line.fault(format!("at most {MOST} features of a node"), self.sizes[0].to_string()))
    }
}

/// Most nodes. Ours: the adjacency matrix has their square.
const MOST_NODES: usize = 1 << 14;

fn layer(number: usize) -> String {
    format!("conv{}", number + 1)
}

impl Architecture for Gcn {
    fn written(&self) -> Written {
        Specified::written(self)
    }

    fn input(&self) -> Input {
        Input::Graph { nodes: self.nodes, features: self.sizes[0] }
    }

    fn labels(&self) -> Labels {
        Labels::Places(Shape::from([self.nodes]))
    }

    fn classes(&self) -> Option<usize> {
        Some(self.sizes[self.sizes.len() - 1])
    }

    fn resized(&self, shape: &ShapeOf<'_>) -> Option<Network> {
        let outputs = (0..self.sizes.len() - 1)
            .map(|number| shape(&format!("{}.bias", layer(number)))?.first().copied());
        let sizes: Option<Vec<usize>> = std::iter::once(Some(self.sizes[0])).chain(outputs).collect();
        Some(Network::Gcn(Self { sizes: sizes?, ..self.clone() }))
    }

    fn layout(&self) -> Layout {
        let mut layout = Layout::default();
        for (number, pair) in self.sizes.windows(2).enumerate() {
            let name = layer(number);
            layout.parameter(&format!("{name}.bias"), [pair[1]], Kind::Bias { inputs: pair[0] });
            layout.linear(&format!("{name}.lin"), pair[0], pair[1], false);
        }
        layout
    }

    fn emit(&self, net: &mut Net, x: Val) -> Val {
        let [mut x, adjacency] = self.parts(net, x);
        // Edges have no negative weights; whatever else is read, the roots of the degrees stay real.
        let adjacency = net.b.abs(adjacency);
        let propagation = net.b.propagation(adjacency);
        for number in 0..self.sizes.len() - 1 {
            if number > 0 {
                x = self.activation.emit(&mut net.b, x);
            }
            let name = layer(number);
            let [weight, bias] = ["lin.weight", "bias"].map(|part| net.get(&format!("{name}.{part}")));
            x = net.b.graph_convolution(x, propagation, weight, Some(bias));
        }
        x
    }
}

#[cfg(test)]
mod tests {
    use crate::{Input, Model};

    #[test]
    fn parameters_are_pytorch_geometric_s() {
        let model = Model::parse("gcn:5-4-3,nodes=6").unwrap();
        let listed: Vec<String> =
            model.parameters().iter().map(|(name, shape)| format!("{name} {shape}")).collect();
        assert_eq!(
            listed,
            ["conv1.bias [4]", "conv1.lin.weight [4, 5]", "conv2.bias [3]", "conv2.lin.weight [3, 4]"]
        );
        assert_eq!(model.input(), Input::Graph { nodes: 6, features: 5 });
        assert_eq!((model.input_features(), model.labels_shape(2).to_vec()), (66, vec![2, 6]));
    }
}
