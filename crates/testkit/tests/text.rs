//! The text form of graphs and of their derivatives.

use graph::Prim;
use isoloss_testkit::{composite, laws};
use tensor::Key;
use transform::jvp;

#[test]
fn printed_graphs_and_their_derivatives_parse_back() {
    let graphs = Prim::cases().into_iter().map(|case| laws::case_graph(&case));
    for graph in graphs.chain((0..20).map(|seed| composite::random_graph(Key::new(seed), 8))) {
        let derivative = jvp(&graph, &laws::float_inputs(&graph));
        for graph in [graph, derivative] {
            let text = graph.to_string();
            assert_eq!(graph::Graph::parse(&text).unwrap().to_string(), text);
        }
    }
}
