use models::Model;
use tensor::DType;

use super::*;
use crate::infer;

/// Of a value with units: their axis, its rank, their block.
type Place = (usize, usize, usize);

/// For each exchangeable generator its size, and its values.
fn described(spec: &str, stage: Stage) -> Vec<(usize, Vec<Place>)> {
    let graph = Model::parse(spec).expect("a specification").forward(2, DType::F32);
    let group = infer(&graph).permutations();
    let of = |units: &Units| (units.axis, graph.ty(units.val).shape.rank(), units.block);
    let all = activations(&graph, &group, stage);
    let sizes = group.generators().iter().map(|generator| generator.size);
    sizes.zip(all).map(|(size, units)| (size, units.iter().map(of).collect())).collect()
}

#[test]
fn a_layer_is_read_behind_its_activation_and_written_before_it() {
    for (stage, name) in [(Stage::Read, "maximum"), (Stage::Written, "dot_general")] {
        let graph = Model::parse("mlp:3-4-5-2").expect("a specification").forward(2, DType::F32);
        let group = infer(&graph);
        let all = activations(&graph, &group, stage);
        assert_eq!(all.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1], "{stage:?}");
        for units in all.iter().flatten() {
            let Def::Apply { op, .. } = graph.def(units.val) else { panic!("{units:?}") };
            assert_eq!((op.name(), units.axis, units.block), (name, 1, 1));
        }
    }
}

#[test]
fn pixels_of_a_flattened_map_are_samples() {
    let map = (3, 4, 1);
    let found = described("convnet:3-5,dense=7,in=2x8x6", Stage::Read);
    assert_eq!(found, [(3, vec![map]), (5, vec![map]), (7, vec![(1, 2, 1)])]);
}

#[test]
fn a_residual_stage_has_a_value_for_each_reader_and_each_writer() {
    let count = |stage| -> Vec<(usize, usize)> {
        let found = described("resnet8:width=0.25,in=2x8x6,norm=layer", stage);
        found.into_iter().map(|(size, values)| (size, values.len())).collect()
    };
    // In each stage the stream and the inside of its only block; the shortcuts between stages have no weights.
    assert!(count(Stage::Read).iter().all(|(_, values)| *values > 0), "{:?}", count(Stage::Read));
    assert_eq!(count(Stage::Written)[0], (4, 2), "the stem and the branch of the block");
    assert_eq!(count(Stage::Written)[1], (4, 1));
}

#[test]
fn heads_and_the_stream_of_a_transformer_are_read() {
    let spec = "gpt:layers=1,width=8,heads=2,context=3,vocab=5";
    let map = (1, 2, 1);
    // The stream is read by the attention, the feed-forward layer and the logits; of a head, places and depth are samples.
    assert_eq!(described(spec, Stage::Read), [(8, vec![map; 3]), (2, vec![(1, 4, 1)]), (32, vec![map])]);
    let written = described(spec, Stage::Written);
    // Queries, keys and values of a head come out of one product, each four deep.
    assert!(written[1].1.contains(&(1, 2, 12)), "{written:?}");
}

#[test]
fn every_step_of_a_recurrent_network_counts() {
    let found = described("lstm:vocab=5,hidden=3,layers=1,steps=4", Stage::Read);
    // The embedding goes into the gates' weights before any token is seen, so that its units do nothing of their own.
    assert_eq!(found, [(3, vec![]), (3, vec![(1, 2, 1); 4])]);
}
