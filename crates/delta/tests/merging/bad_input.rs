//! What does not fit is said precisely, before the work begins where headers can tell, and nothing is left half-written.

use std::fs;

use isoloss_delta::{DeltaError, Options, Recipe};
use tensor::Stored;

use crate::support::{Place, Stand, normal};

const LINEAR: &str =
    "merge_method: linear\nparameters: {weight: 1}\nmodels: [{model: '@a'}, {model: '@b'}]\n";

fn tensor(name: &'static str, stored: Stored, shape: &[usize]) -> Stand {
    (name, stored, shape.to_vec(), normal(stored, shape.iter().product(), 1))
}

fn pair(second: &[Stand]) -> Place {
    let place = Place::new();
    place.model("a", &[tensor("x.weight", Stored::F32, &[2, 3]), tensor("x.bias", Stored::F32, &[2])]);
    place.model("b", second);
    place
}

fn alike() -> Place {
    pair(&[tensor("x.weight", Stored::F32, &[2, 3]), tensor("x.bias", Stored::F32, &[2])])
}

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    parts.iter().for_each(|part| assert!(message.contains(part), "'{part}' is not in: {message}"));
}

#[test]
fn a_recipe_says_what_it_expected_where() {
    let cases = [
        (
            "merge_method: liner\nmodels: [{model: a}]",
            &["merge_method", "no 'liner'", "did you mean 'linear'", "della"][..],
        ),
        ("merge_method: linear\nmodel: [{model: a}]", &["the recipe", "no 'model'", "did you mean 'models'"]),
        (
            "merge_method: linear\nmodels: [{model: a, parameter: {}}]",
            &["models[0]", "did you mean 'parameters'"],
        ),
        (
            "merge_method: ties\nmodels: [{model: a, parameters: {wieght: 1}}]",
            &["models[0].parameters.wieght", "did you mean 'weight'"],
        ),
        ("merge_method: linear", &["either models or slices"]),
        ("merge_method: linear\nmodels: {model: a}", &["models: expected a list, found a map with model"]),
        ("models: [{model: a}]", &["expected a merge_method"]),
        ("merge_method: linear\nmodels: [{model: 3}]", &["models[0].model", "quotes", "the number 3"]),
        (
            "merge_method: linear\nmodels: [{model: a}]\ndtype: float8",
            &["dtype", "float32, float16 or bfloat16", "'float8'"],
        ),
        (
            "merge_method: linear\nmodels: [{model: a}]\ndtype: float64",
            &["64 bits is not supported", "take float32"],
        ),
        ("merge_method: linear\nmodels: [{model: base+lora+lora}]", &["models[0].model", "one adapter"]),
        ("merge_method: linear\nmodules: {}\nmodels: [{model: a}]", &["modules", "not supported"]),
        (
            "merge_method: linear\nchat_template: auto\nmodels: [{model: a}]",
            &["chat_template", "not supported"],
        ),
        (
            "merge_method: linear\ntokenizer: {tokens: {a: {sauce: b}}}\nmodels: [{model: a}]",
            &["tokenizer.tokens.a", "there is no 'sauce'", "source"],
        ),
        (
            "merge_method: linear\nslices: [{sources: [{model: a, layer_range: [3, 3]}]}]",
            &["layer_range", "[0, 16]"],
        ),
        (
            "merge_method: linear\nslices: [{sources: [{model: a, layer_range: [0, 3]}, {model: b, layer_range: [0, 2]}]}]",
            &["as many layers", "2 of b"],
        ),
        ("merge_method: linear\nmodels: [{model: a}]\nmodels: [{model: b}]", &["not read as YAML", "models"]),
        ("merge_method: [", &["not read as YAML"]),
    ];
    for (text, parts) in cases {
        says(&Recipe::parse(text).unwrap_err().to_string(), parts);
    }
}

#[test]
fn parameters_are_checked_when_the_plan_is_made() {
    let place = alike();
    let with = |method: &str, parameters: &str| {
        format!(
            "merge_method: {method}\nbase_model: '@a'\nparameters: {{{parameters}}}\nmodels: [{{model: '@b'}}]\n"
        )
    };
    says(
        &place.refused(&with("ties", "density: 0.5")),
        &["parameter weight of", "for tensor 'x.weight'", "none"],
    );
    says(
        &place.refused(&with("ties", "weight: high")),
        &["parameters.weight: expected a number, found 'high'"],
    );
    says(&place.refused(&with("ties", "weight: 1, density: -1")), &["density of tensor 'x.weight'", "-1"]);
    says(
        &place.refused(&with("della", "weight: 1, density: 0.1")),
        &["epsilon of tensor", "0.15 beside a density of 0.1"],
    );
    says(
        &place.refused(&with("breadcrumbs", "weight: 1, density: 0.1, gamma: 2")),
        &["gamma of tensor", "from 0 to 1"],
    );
    says(
        &place.refused(&with("linear", "weight: [1, -1]").replace("weight: [1, -1]", "weight: 0")),
        &["whose sum is not 0"],
    );
    says(
        &place.refused(&with("model_stock", "filter_wise: true")),
        &["at least 2 models beside the base for model_stock", "found 1"],
    );
    says(&place.refused(&LINEAR.replace("linear", "ties")), &["a base_model"]);
    says(&place.refused(&LINEAR.replace("linear", "slerp").replace("weight: 1", "t: 1")), &["a base_model"]);
    says(&place.refused(&LINEAR.replace("linear", "passthrough")), &["1 model for passthrough", "found 2"]);
    says(&place.refused(&LINEAR.replace("'@b'", "'@a'")), &["each model once", "twice"]);
    let plan =
        place.plan(&LINEAR.replace("weight: 1", "weight: 1, density: 0.5"), Options::default()).unwrap();
    assert_eq!(plan.notes, ["parameters.density has no influence on linear"]);
}

#[test]
fn models_that_do_not_fit_are_refused_with_all_that_differs() {
    let place = pair(&[tensor("x.weight", Stored::F32, &[3, 2]), tensor("y.bias", Stored::F32, &[2])]);
    says(
        &place.refused(LINEAR),
        &[
            "'x.weight' has shape [2, 3] in",
            "and [3, 2] in",
            "'x.bias' is missing in",
            "'y.bias' is missing in",
        ],
    );
    let place =
        pair(&[tensor("x.weight", Stored::F32, &[2, 3]), ("x.bias", Stored::I64, vec![2], vec![0; 16])]);
    says(&place.refused(LINEAR), &["'x.bias' is F32 in", "and I64 in", "only floats are converted"]);
    let place = pair(&[tensor("x.weight", Stored::F64, &[2, 3]), tensor("x.bias", Stored::F32, &[2])]);
    says(&place.refused(LINEAR), &["'x.weight'", "F64", "dtype: float32"]);
    place.merge(&format!("{LINEAR}dtype: float32\n"), "out").unwrap();
    let place = alike();
    says(
        &place.refused(&LINEAR.replace("'@b'", "'no/such-model'")),
        &["'no/such-model' is not here", "nothing is downloaded"],
    );
    let slices = "merge_method: passthrough\nslices: [{sources: [{model: '@a', layer_range: [0, 3]}]}]";
    says(&place.refused(slices), &["not one stack of layers"]);
}

#[test]
fn quantised_weights_are_refused() {
    let place =
        pair(&[("x.weight", Stored::U8, vec![2, 3], vec![0; 6]), tensor("x.bias", Stored::F32, &[2])]);
    says(&place.refused(LINEAR), &["is quantised: it has x.weight U8[2, 3]"]);
    let place = alike();
    fs::write(place.path("b/config.json"), r#"{"quantization_config": {"bits": 4}}"#).unwrap();
    says(&place.refused(LINEAR), &["is quantised, says its config.json"]);
}

#[test]
fn what_is_not_finite_is_found_before_anything_appears() {
    let place = alike();
    let mut bytes = normal(Stored::F32, 6, 3);
    bytes[16..20].copy_from_slice(&f32::NAN.to_le_bytes());
    place.model("b", &[("x.weight", Stored::F32, vec![2, 3], bytes), tensor("x.bias", Stored::F32, &[2])]);
    says(&place.merge(LINEAR, "out").unwrap_err().to_string(), &["'x.weight' of", "/b has NaN at element 4"]);
    assert!(!place.path("out").exists());
    let huge = [1f32, 1e6].map(f32::to_le_bytes).concat();
    place.model("b", &[tensor("x.weight", Stored::F32, &[2, 3]), ("x.bias", Stored::F32, vec![2], huge)]);
    let error = place.merge(&format!("{LINEAR}out_dtype: float16\n"), "out").unwrap_err().to_string();
    says(&error, &["'x.bias' would have", "at element 1", "F16", "bfloat16"]);
    assert_eq!(place.files("."), ["a", "b"], "nothing is left");
}

#[test]
fn integers_that_differ_are_not_averaged() {
    let place = alike();
    for (name, steps) in [("a", 1u8), ("b", 2)] {
        let floats = tensor("x.weight", Stored::F32, &[2]);
        let counter = ("norm.num_batches_tracked", Stored::U8, vec![], vec![steps]);
        place.model(name, &[floats, ("ids", Stored::U8, vec![1], vec![steps]), counter]);
    }
    says(&place.merge(LINEAR, "out").unwrap_err().to_string(), &["the integers of tensor 'ids' differ"]);
    for name in ["a", "b"] {
        let counter = ("norm.num_batches_tracked", Stored::U8, vec![], vec![name.len() as u8]);
        place.model(name, &[tensor("x.weight", Stored::F32, &[2]), counter]);
    }
    place.merge(LINEAR, "out").unwrap();
}

#[test]
fn inputs_and_other_folders_are_never_replaced() {
    let place = alike();
    for out in ["a", "a/inside", "."] {
        let error = place.merge(LINEAR, out).unwrap_err();
        assert!(matches!(error, DeltaError::OutputOverInput { .. }), "{out}: {error}");
    }
    fs::create_dir(place.path("mine")).unwrap();
    fs::write(place.path("mine/letter.txt"), "").unwrap();
    let plan = place.plan(LINEAR, Options::default()).unwrap();
    for replace in [false, true] {
        assert!(matches!(plan.check_place(&place.path("mine"), replace), Err(DeltaError::Exists { .. })));
    }
    place.merge(LINEAR, "out").unwrap();
    assert!(matches!(plan.check_place(&place.path("out"), false), Err(DeltaError::Exists { .. })));
    plan.check_place(&place.path("out"), true).unwrap();
}

#[test]
fn a_damaged_file_and_too_little_memory_are_told() {
    let place = alike();
    let text = place.plan(LINEAR, Options { memory: 100, ..Options::default() }).unwrap_err().to_string();
    says(&text, &["tensor 'x.weight' needs", "100 may be taken"]);
    let file = place.path("b/model.safetensors");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 1]).unwrap();
    says(&place.refused(LINEAR), &["model.safetensors is not a whole safetensors file"]);
}

#[test]
fn a_damaged_shard_is_told_before_anything_is_written() {
    let place = alike();
    let many = Options { most_shard_bytes: 8, ..Options::default() };
    place.merge_with(LINEAR, "many", many).unwrap();
    let recipe = LINEAR.replace("'@b'", "'@many'");
    let shards: Vec<String> =
        place.files("many").into_iter().filter(|name| name.starts_with("model-")).collect();
    assert!(shards.len() > 1, "{shards:?}");
    let shard = place.path("many").join(&shards[1]);
    let whole = fs::read(&shard).unwrap();
    let mut header = whole.clone();
    header[12] ^= 0x55;
    let mut length = whole.clone();
    length[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    for damaged in [&whole[..whole.len() - 1], &whole[..5], &header, &length] {
        fs::write(&shard, damaged).unwrap();
        says(&place.refused(&recipe), &[&shards[1]]);
    }
    fs::remove_file(&shard).unwrap();
    says(&place.refused(&recipe), &[&shards[1]]);
    fs::write(&shard, &whole).unwrap();
    place.merge(&recipe, "out").unwrap();
}

/// A file that shrinks after the plan was made.
#[test]
fn a_shard_that_is_cut_while_it_is_read_is_told() {
    let place = alike();
    let plan = place.plan(LINEAR, Options::default()).unwrap();
    let file = place.path("b/model.safetensors");
    let bytes = fs::read(&file).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 2]).unwrap();
    let error = crate::support::run(&plan, &place.path("out")).unwrap_err().to_string();
    says(&error, &["cannot read", "model.safetensors"]);
    assert!(!place.path("out").exists() && !place.path(".out.unfinished").exists());
}

#[test]
fn hostile_recipes_end_in_a_message() {
    let deep = format!("merge_method: {}linear{}", "[".repeat(5000), "]".repeat(5000));
    let anchors = "a: &a {b: *a}\nmerge_method: linear\n";
    let keys: String = (0..200_000).map(|number| format!("k{number}: 1\n")).collect();
    let layers = |range: &str| {
        format!("merge_method: linear\nslices: [{{sources: [{{model: a, layer_range: {range}}}]}}]")
    };
    let texts = [
        deep,
        anchors.to_owned(),
        keys,
        layers("[0, 1e30]"),
        layers("[0, 99999999999999999999999]"),
        layers("[-1, 4]"),
        layers("[0.5, 4]"),
        "merge_method: linear\nmodels: [{model: a, parameters: {weight: 1e999}}]".to_owned(),
        "merge_method: linear\nmodels: [{model: a, parameters: {weight: .nan}}]".to_owned(),
        "merge_method: linear\nmodels: [{model: \"a\\0b\"}]\n...\nmore".to_owned(),
        "merge_method: !!python/object/apply:os.system [ls]\nmodels: [{model: a}]".to_owned(),
        "\u{feff}\u{0}".to_owned(),
        String::new(),
    ];
    for text in texts {
        let shown: String = text.chars().take(60).collect();
        let error = Recipe::parse(&text).expect_err(&shown).to_string();
        assert!(error.len() < 2000 && !error.trim().is_empty(), "{shown}: {error}");
    }
    // As PyYAML reads it, a number without a dot in its fraction is a text; it means the number.
    let text = "merge_method: linear\nmodels: [{model: a, parameters: {weight: 1e-5}}, {model: b, parameters: {weight: '1e-5'}}]";
    Recipe::parse(text).unwrap();
}
