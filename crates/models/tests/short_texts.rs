//! Networks of texts on the first words alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use graph::{Graph, Reference};
use isoloss_models::{Init, Model, Params};
use tensor::{DType, Key, Tensor};

fn logits(graph: &Graph, params: &Params, words: &[i32], texts: usize) -> Vec<f64> {
    let x = Tensor::new([texts, words.len() / texts], words.to_vec()).unwrap();
    let arguments: Vec<Tensor> = graph
        .inputs()
        .iter()
        .map(|input| params.get(&input.name).map_or_else(|| x.clone(), |own| own.convert(DType::F64)))
        .collect();
    Reference::evaluate(graph, &arguments.iter().collect::<Vec<_>>()).unwrap()[0].to_f64_vec()
}

#[test]
fn what_comes_later_does_not_matter_to_a_causal_network() {
    for spec in [
        "gpt:layers=2,width=8,heads=2,context=4,vocab=5",
        "gpt:layers=1,width=8,heads=2,context=4,vocab=5,positions=rotary,tied=on",
        "llama:layers=1,width=8,heads=2,hidden=12,context=4,vocab=5",
    ] {
        let model = Model::parse(spec).unwrap();
        let params = model.init(Init::PyTorch, Key::new(1));
        let whole = logits(&model.forward(2, DType::F64), &params, &[0, 4, 2, 1, 3, 3, 0, 2], 2);
        let short = logits(&model.forward_on(2, 2, DType::F64).unwrap(), &params, &[0, 4, 3, 3], 2);
        // Two texts of four words with five logits each; of each text the first two words.
        let first = |text: usize| whole[20 * text..][..10].to_vec();
        for (x, y) in short.iter().zip([first(0), first(1)].concat()) {
            assert!((x - y).abs() < 1e-12, "{spec}: {x} {y}");
        }
    }
}

#[test]
fn a_text_is_at_most_as_long_as_the_network_takes() {
    let model = Model::parse("bert:layers=1,width=8,heads=2,hidden=12,context=4,vocab=5").unwrap();
    let lengths = [2, 9].map(|words| {
        let graph = model.forward_on(3, words, DType::F64).unwrap();
        graph.ty(graph.outputs()[0].val).shape.to_vec()
    });
    assert_eq!(lengths, [[3, 2, 5], [3, 4, 5]]);
    assert!(Model::parse("mlp:4-3-2").unwrap().forward_on(3, 2, DType::F64).is_none());
}
