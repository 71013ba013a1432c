//! Models with different tokens: embeddings are what mergekit makes of them (`tests/goldens/vocabularies.py`), told by their tokens.

use std::{collections::BTreeMap, fs, path::Path};

use isoloss_delta::{Options, Plan, Recipe};
use serde_json::Value;
use tensor::Stored;
use weights::Reader;

use crate::support::{Place, normal, run, tensors};

#[derive(serde::Deserialize)]
struct Case {
    recipe: String,
    vocabulary: BTreeMap<String, usize>,
    size: usize,
}

fn goldens() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens"))
}

fn cases() -> BTreeMap<String, Case> {
    serde_json::from_str(&fs::read_to_string(goldens().join("vocabularies.json")).unwrap()).unwrap()
}

/// The recipe with the paths of models for their short names.
fn recipe(text: &str) -> Recipe {
    let path = |model: &str| goldens().join(format!("vocabulary-{model}")).display().to_string();
    let placed = ["base", "a", "b"]
        .into_iter()
        .fold(text.to_owned(), |text, model| text.replace(&format!("'@{model}'"), &path(model)));
    Recipe::parse(&placed).unwrap_or_else(|error| panic!("{error}\n{placed}"))
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

/// The tokens of a written tokenizer.
fn written(folder: &Path) -> BTreeMap<String, usize> {
    let tokenizer = json(&folder.join("tokenizer.json"));
    let own = tokenizer["model"]["vocab"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(token, number)| (token.clone(), number));
    let added = tokenizer["added_tokens"].as_array().unwrap();
    let added = added.iter().map(|entry| (entry["content"].as_str().unwrap().to_owned(), &entry["id"]));
    own.chain(added).map(|(token, number)| (token, number.as_u64().unwrap() as usize)).collect()
}

#[test]
fn embeddings_of_every_token_are_mergekit_s() {
    let golden = Reader::open(&goldens().join("golden-vocabularies.safetensors")).unwrap();
    let numbers =
        |reader: &Reader, name: &str| reader.read(name).unwrap().as_slice::<f32>().unwrap().to_vec();
    for (name, case) in cases() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let plan = Plan::new(recipe(&case.recipe), Options::default())
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        run(&plan, &out).unwrap();
        let found = written(&out);
        assert!(found.keys().eq(case.vocabulary.keys()), "{name}: {found:?}");
        assert_eq!(json(&out.join("config.json"))["vocab_size"], case.size, "{name}");
        let merged = Reader::open(&out).unwrap();
        for tensor in ["model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"] {
            let (own, expected) = (numbers(&merged, tensor), numbers(&golden, &format!("{name}/{tensor}")));
            assert_eq!(own.len(), expected.len(), "{name}: {tensor}");
            let near = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-6);
            if tensor == "model.norm.weight" {
                assert!(near(&own, &expected), "{name}: {tensor}");
                continue;
            }
            let row = |all: &[f32], row: usize| all[row * 4..][..4].to_vec();
            for (token, &number) in &found {
                let (own, expected) = (row(&own, number), row(&expected, case.vocabulary[token]));
                assert!(
                    near(&own, &expected),
                    "{name}: {tensor} of '{token}': {own:?}, mergekit has {expected:?}"
                );
            }
            for padded in found.len()..case.size {
                assert!(near(&row(&own, padded), &row(&expected, padded)), "{name}: {tensor}, row {padded}");
            }
        }
    }
}

#[test]
fn the_bits_do_not_depend_on_the_memory() {
    let case = &cases()["padded"];
    let merged = |memory| {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let plan = Plan::new(recipe(&case.recipe), Options { memory, ..Options::default() }).unwrap();
        run(&plan, &out).unwrap();
        tensors(&out)
    };
    assert_eq!(merged(Options::default().memory), merged(5_000_000));
}

/// Models `a` and `b` with a tensor of as many rows as given, and these vocabularies.
fn two(place: &Place, rows: [usize; 2], vocabularies: [Option<&str>; 2]) {
    for (index, name) in ["a", "b"].into_iter().enumerate() {
        let elements = rows[index] * 3;
        place.model(
            name,
            &[("wte.weight", Stored::F32, vec![rows[index], 3], normal(Stored::F32, elements, index as u64))],
        );
        if let Some(vocabulary) = vocabularies[index] {
            let text = format!(r#"{{"model": {{"type": "BPE", "vocab": {vocabulary}}}}}"#);
            fs::write(place.path(name).join("tokenizer.json"), text).unwrap();
        }
    }
}

const LINEAR: &str = "merge_method: linear\nmodels: [{model: '@a', parameters: {weight: 0.5}}, {model: '@b', parameters: {weight: 0.5}}]\n";
const XY: Option<&str> = Some(r#"{"x": 0, "y": 1}"#);
const YX: Option<&str> = Some(r#"{"y": 0, "x": 1}"#);

#[test]
fn rows_follow_their_tokens_and_stay_where_these_are_alike() {
    let place = Place::new();
    two(&place, [2, 2], [XY, YX]);
    let [a, b] = ["a", "b"].map(|name| tensors(&place.path(name))["wte.weight"].clone());
    let base = format!("{LINEAR}tokenizer_source: base\n");
    let notes = place.plan(&base, Options::default()).unwrap().notes;
    assert!(notes.iter().any(|note| note.starts_with("2 tokens, 2 in ")), "{notes:?}");
    place.merge(&base, "out").unwrap();
    let half = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a + b) / 2.0).collect::<Vec<f32>>();
    let expected = [half(&a[..3], &b[3..]), half(&a[3..], &b[..3])].concat();
    assert_eq!(tensors(&place.path("out"))["wte.weight"], expected);
    // The control: without a tokenizer rows are merged by their numbers.
    place.merge(LINEAR, "as-they-are").unwrap();
    assert_eq!(tensors(&place.path("as-they-are"))["wte.weight"], half(&a, &b));
}

#[test]
fn what_does_not_fit_is_said() {
    let place = Place::new();
    two(&place, [2, 3], [XY, YX]);
    let union = format!("{LINEAR}tokenizer_source: union\n");
    assert!(place.refused(LINEAR).contains("tokenizer_source: union"), "{}", place.refused(LINEAR));
    place.plan(&union, Options::default()).unwrap();
    let tokens = |what: &str| format!("{LINEAR}tokenizer: {{source: base, tokens: {{{what}}}}}\n");
    for (what, said) in [
        ("z: {source: '@a'}", "token 'z' is to be that of"),
        ("z: {}", "token 'z' is not in all models and has no source"),
        ("z: {source: {kind: model_token, model: '@a', token: q}}", "'q' of"),
        ("z: {source: {kind: model_token, model: '@a', token_id: 7}}", "number 7 of"),
        ("z: {source: {kind: model_token, model: '@a'}}", "either token_id or token"),
        ("z: {source: {kind: one}}", "zero or model_token"),
        ("z: {source: elsewhere}", "elsewhere, which is not merged"),
        ("z: {force: 1}", "true or false"),
    ] {
        let error = place.recipe(&tokens(what)).and_then(|recipe| Plan::new(recipe, Options::default()));
        let error = error.map(|_| "nothing").unwrap_err().to_string();
        assert!(error.contains(said), "{what}: {error}");
    }
    let padded = format!("{LINEAR}tokenizer: {{pad_to_multiple_of: 0}}\n");
    assert!(place.recipe(&padded).unwrap_err().to_string().contains("from 1"));
    fs::write(place.path("b/tokenizer.json"), r#"{"model": {"vocab": 3}}"#).unwrap();
    assert!(place.refused(&union).contains("at model.vocab"), "{}", place.refused(&union));
    fs::remove_file(place.path("b/tokenizer.json")).unwrap();
    let plan = place.plan(&union, Options::default()).unwrap();
    assert!(plan.notes.iter().any(|note| note.contains("b has no tokenizer.json")), "{:?}", plan.notes);
    fs::remove_file(place.path("a/tokenizer.json")).unwrap();
    assert!(place.refused(&union).contains("a has no tokenizer.json to take the tokens from"));
}
