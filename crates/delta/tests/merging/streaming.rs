//! Files of any kind and size, in bounded memory, again after a kill, and the same bits each time.

use std::{
    fs,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
};

use isoloss_delta::{DeltaError, Options, Watch};
use tensor::{Stored, parallel};
use weights::Reader;

use crate::support::{Place, Stand, normal, run, tensors};

const LINEAR: &str = "merge_method: linear\nmodels:\n- model: '@a'\n  parameters: {weight: 1}\n- model: '@b'\n  parameters: {weight: 3}\n";
const DARE: &str = "merge_method: dare_ties\nbase_model: '@a'\nparameters: {weight: 0.5, density: 0.3}\nmodels:\n- model: '@b'\n- model: '@c'\n";

/// Two layers with a large tensor of several chunks, and small ones.
fn network(stored: Stored, seed: u64) -> Vec<Stand> {
    let tensor = |name, shape: &[usize], seed| {
        (name, stored, shape.to_vec(), normal(stored, shape.iter().product(), seed))
    };
    vec![
        tensor("layers.0.weight", &[500, 700], 10 * seed),
        tensor("layers.0.bias", &[500], 10 * seed + 1),
        tensor("layers.1.weight", &[300, 500], 10 * seed + 2),
        tensor("layers.1.bias", &[300], 10 * seed + 3),
        ("steps", Stored::I64, vec![2], [7i64, -1].map(i64::to_le_bytes).concat()),
    ]
}

fn three(stored: Stored) -> Place {
    let place = Place::new();
    for (seed, name) in ["a", "b", "c"].into_iter().enumerate() {
        place.model(name, &network(stored, seed as u64));
    }
    place
}

#[test]
fn a_linear_merge_is_the_weighted_average_rounded_once() {
    let place = three(Stored::BF16);
    place.merge(LINEAR, "out").unwrap();
    let [a, b, merged] = ["a", "b", "out"].map(|name| tensors(&place.path(name)));
    for (name, numbers) in &merged {
        let exact: Vec<f32> = a[name].iter().zip(&b[name]).map(|(a, b)| (a + 3.0 * b) / 4.0).collect();
        let mut rounded = vec![0.0; exact.len()];
        Stored::BF16.write_f32(&Stored::BF16.encode(&exact), &mut rounded);
        assert_eq!(*numbers, rounded, "{name}");
    }
    let reader = Reader::open(&place.path("out")).unwrap();
    assert_eq!(reader.bytes("steps").unwrap(), [7i64, -1].map(i64::to_le_bytes).concat());
    assert_eq!(reader.metadata()["format"], "pt");
}

#[test]
fn the_bits_do_not_depend_on_threads_and_memory() {
    let place = three(Stored::F32);
    let methods = [
        DARE.to_owned(),
        DARE.replace("dare_ties", "ties"),
        DARE.replace("dare_ties", "della").replace("density: 0.3", "density: 0.3, epsilon: 0.2"),
        LINEAR.replace("linear", "karcher").replace("parameters: {weight: 1}", "").replace("  parameters: {weight: 3}", ""),
        "merge_method: sce\nbase_model: '@a'\nparameters: {select_topk: 0.3}\nmodels:\n- model: '@b'\n- model: '@c'\n".to_owned(),
    ];
    for (number, recipe) in methods.iter().enumerate() {
        let mut files = Vec::new();
        for (threads, memory) in [(1, 512_000_000), (3, 512_000_000), (5, 40_000_000)] {
            let out = format!("out-{number}-{threads}");
            let options = Options { memory, seed: 5, ..Options::default() };
            parallel::with_threads(threads, || place.merge_with(recipe, &out, options)).unwrap().unwrap();
            files.push(fs::read(place.path(&out).join("model.safetensors")).unwrap());
        }
        assert!(files[0] == files[1] && files[0] == files[2], "{recipe}");
    }
}

#[test]
fn masks_keep_their_share_and_depend_on_seed_tensor_and_model() {
    let place = three(Stored::F32);
    let recipe = "merge_method: dare_linear\nbase_model: '@a'\nparameters: {weight: 1, density: 0.3, rescale: false}\nmodels:\n- model: '@b'\n";
    let kept = |recipe: &str, out: &str, seed| {
        place.merge_with(recipe, out, Options { seed, ..Options::default() }).unwrap();
        let (base, merged) = (tensors(&place.path("a")), tensors(&place.path(out)));
        let name = "layers.0.weight";
        base[name].iter().zip(&merged[name]).map(|(base, merged)| base != merged).collect::<Vec<bool>>()
    };
    let (one, again, other) = (kept(recipe, "one", 1), kept(recipe, "again", 1), kept(recipe, "other", 2));
    let share = |mask: &[bool]| mask.iter().filter(|&&kept| kept).count() as f64 / mask.len() as f64;
    let error = (0.3f64 * 0.7 / one.len() as f64).sqrt();
    assert!((share(&one) - 0.3).abs() < 5.0 * error, "{}", share(&one));
    assert_eq!(one, again);
    let both: Vec<bool> = one.iter().zip(&other).map(|(one, other)| *one && *other).collect();
    assert!((share(&both) - 0.09).abs() < 0.005, "two seeds are independent: {}", share(&both));
}

#[test]
fn shards_in_and_out_make_the_same_tensors() {
    let place = three(Stored::BF16);
    place.merge(DARE, "one").unwrap();
    let options = Options { most_shard_bytes: 500_000, ..Options::default() };
    let merged = place.merge_with(DARE, "many", options).unwrap();
    assert_eq!(
        place.files("many"),
        [
            "README.md",
            "mergekit_config.yml",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "model.safetensors.index.json",
        ]
    );
    assert_eq!(
        (merged.resumed, merged.written),
        (
            0,
            Reader::open(&place.path("many"))
                .unwrap()
                .entries()
                .iter()
                .map(|entry| entry.bytes() as u64)
                .sum()
        )
    );
    assert_eq!(tensors(&place.path("one")), tensors(&place.path("many")));
    // What was made is read again, sharded as it is.
    place.merge(&DARE.replace("'@b'", "'@many'"), "again").unwrap();
    let index = fs::read_to_string(place.path("many/model.safetensors.index.json")).unwrap();
    assert!(index.contains("\"total_size\"") && index.contains("layers.1.bias"), "{index}");
}

#[test]
fn files_of_pytorch_are_merged_like_others() {
    let place = three(Stored::F32);
    let floats = |seed| network(Stored::F32, seed);
    place.model("a.bin", &floats(0));
    place.model("b.pt", &floats(1));
    place.merge(LINEAR, "plain").unwrap();
    let torch = LINEAR.replace("'@a'", "'@a.bin'").replace("'@b'", "'@b.pt'");
    // Less memory than the largest tensor of both takes: they are read in parts.
    let options = Options { memory: 2_000_000, ..Options::default() };
    assert!(place.plan(&torch, options).unwrap().memory < 2 * 4 * 500 * 700);
    place.merge_with(&torch, "torch", options).unwrap();
    assert_eq!(tensors(&place.path("plain")), tensors(&place.path("torch")));
}

#[test]
fn what_was_interrupted_goes_on_and_gives_the_same_bits() {
    let place = three(Stored::F32);
    let options = Options { most_shard_bytes: 800_000, ..Options::default() };
    place.merge_with(DARE, "whole", options).unwrap();
    let plan = place.plan(DARE, options).unwrap();
    let shards = plan.shards.len();
    assert!(shards > 1);
    let (first, stop) = (plan.read_bytes_of(&plan.outputs[0]) + plan.shards[0].bytes, AtomicBool::new(false));
    let progress = |done: u64| stop.store(done > first, Ordering::Relaxed);
    let out = place.path("out");
    let error = plan.run(&out, false, &Watch { progress: &progress, stop: &stop }).unwrap_err();
    let DeltaError::Interrupted { finished, files, .. } = error else { panic!("{error}") };
    assert_eq!((finished, files), (1, shards));
    assert!(!out.exists(), "nothing half-written");
    let first = place.path(".out.unfinished").join(&plan.shards[0].name);
    let written = fs::metadata(&first).unwrap().modified().unwrap();
    let (total, done) = (AtomicU64::new(0), AtomicBool::new(false));
    let progress = |moved: u64| _ = total.fetch_max(moved, Ordering::Relaxed);
    let merged = plan.run(&out, false, &Watch { progress: &progress, stop: &done }).unwrap();
    assert_eq!(merged.resumed, 1);
    assert_eq!(total.into_inner(), plan.moved_bytes(), "progress ends at what was promised");
    assert_eq!(fs::metadata(out.join(&plan.shards[0].name)).unwrap().modified().unwrap(), written);
    assert!(place.files(".").iter().all(|name| !name.starts_with('.')), "nothing is left beside it");
    for shard in &plan.shards {
        assert_eq!(
            fs::read(out.join(&shard.name)).unwrap(),
            fs::read(place.path("whole").join(&shard.name)).unwrap()
        );
    }
}

#[test]
fn what_another_merge_left_unfinished_is_not_taken_over() {
    let place = three(Stored::F32);
    let options = Options { most_shard_bytes: 800_000, ..Options::default() };
    let plan = place.plan(DARE, options).unwrap();
    let stop = AtomicBool::new(false);
    let first = plan.read_bytes_of(&plan.outputs[0]) + plan.shards[0].bytes;
    let progress = |done: u64| stop.store(done > first, Ordering::Relaxed);
    plan.run(&place.path("out"), false, &Watch { progress: &progress, stop: &stop }).unwrap_err();
    let merged = place.merge_with(DARE, "out", Options { seed: 1, ..options }).unwrap();
    assert_eq!(merged.resumed, 0);
    place.merge_with(DARE, "other", Options { seed: 1, ..options }).unwrap();
    assert_eq!(tensors(&place.path("out")), tensors(&place.path("other")));
}

#[test]
fn one_process_at_a_time_writes_a_folder() {
    let place = three(Stored::F32);
    fs::create_dir_all(place.path(".out.unfinished")).unwrap();
    let lock = fs::File::create(place.path(".out.unfinished/lock")).unwrap();
    lock.try_lock().unwrap();
    assert!(matches!(place.merge(LINEAR, "out"), Err(DeltaError::Busy { .. })));
    drop(lock);
    place.merge(LINEAR, "out").unwrap();
}

#[test]
fn small_files_come_along_and_say_what_was_merged() {
    let place = three(Stored::F32);
    let config = r#"{"num_hidden_layers": 2, "torch_dtype": "float32", "vocab_size": 9}"#;
    fs::write(place.path("a/config.json"), config).unwrap();
    fs::write(place.path("a/tokenizer.json"), r#"{"model": {"vocab": {"x": 0}}}"#).unwrap();
    fs::write(place.path("b/generation_config.json"), "{}").unwrap();
    let recipe = format!("{DARE}out_dtype: bfloat16\n# a remark\n");
    place.merge(&recipe, "out").unwrap();
    let read = |name: &str| fs::read_to_string(place.path("out").join(name)).unwrap();
    let config: serde_json::Value = serde_json::from_str(&read("config.json")).unwrap();
    assert_eq!((&config["torch_dtype"], &config["vocab_size"]), (&"bfloat16".into(), &9.into()));
    assert_eq!(read("tokenizer.json"), r#"{"model": {"vocab": {"x": 0}}}"#);
    assert!(!place.path("out/generation_config.json").exists(), "files are the base's");
    assert!(read("mergekit_config.yml").ends_with("# a remark\n"), "verbatim");
    let card = read("README.md");
    assert!(
        card.starts_with("---\nbase_model:\n- ")
            && card.contains("`dare_ties`")
            && card.contains("# a remark"),
        "{card}"
    );
    assert_eq!(
        Reader::open(&place.path("out")).unwrap().entry("layers.0.bias").unwrap().stored,
        Stored::BF16
    );
}

#[test]
fn slices_renumber_layers_and_tell_the_configuration() {
    let place = three(Stored::F32);
    fs::write(place.path("a/config.json"), r#"{"num_hidden_layers": 2}"#).unwrap();
    let recipe = "merge_method: passthrough\nslices:\n- sources: [{model: '@a', layer_range: [0, 2]}]\n- sources: [{model: '@b', layer_range: [0, 1]}]\n";
    let plan = place.plan(recipe, Options::default()).unwrap();
    run(&plan, &place.path("out")).unwrap();
    let (a, b, merged) = (tensors(&place.path("a")), tensors(&place.path("b")), tensors(&place.path("out")));
    assert_eq!(merged["layers.1.weight"], a["layers.1.weight"]);
    assert_eq!(merged["layers.2.weight"], b["layers.0.weight"]);
    let config = fs::read_to_string(place.path("out/config.json")).unwrap();
    assert!(config.contains("\"num_hidden_layers\": 3"), "{config}");
}

#[test]
fn tied_embeddings_stay_tied() {
    let place = Place::new();
    for (seed, name) in ["a", "b"].into_iter().enumerate() {
        let bytes = normal(Stored::F32, 12, seed as u64);
        let tensor = |name| (name, Stored::F32, vec![4, 3], bytes.clone());
        place.model(name, &[tensor("model.embed_tokens.weight"), tensor("lm_head.weight")]);
        fs::write(place.path(name).join("config.json"), r#"{"tie_word_embeddings": true}"#).unwrap();
    }
    let recipe = "merge_method: dare_linear\nbase_model: '@a'\nparameters: {weight: 1, density: 0.5}\nmodels: [{model: '@b'}]\n";
    let plan = place.plan(recipe, Options::default()).unwrap();
    assert_eq!(plan.outputs.len(), 1);
    assert!(plan.notes.iter().any(|note| note.contains("lm_head.weight is tied")), "{:?}", plan.notes);
}
