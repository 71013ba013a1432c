//! Augmentation, normalisation and texts in training.

use std::sync::atomic::AtomicBool;

use data::{Input, Splits};
use isoloss_train::{CHECKPOINT_FILE, Config, Job, MODEL_FILE, Start, Summary, train};
use models::weights;
use tensor::parallel;

use crate::common::{StopAt, new_folder};

/// Trains on these data in as many threads; the bytes of the model.
fn trained(config: &Config, data: &Splits, threads: usize, stop_after: Option<u64>) -> (Vec<u8>, Summary) {
    let (_parent, folder) = new_folder();
    let versions = std::collections::BTreeMap::new();
    let run = |start: Start, stop_after: Option<u64>| {
        let stop = AtomicBool::new(false);
        let job = Job {
            config,
            splits: data,
            folder: &folder,
            start,
            weights: None,
            versions: &versions,
            stop: &stop,
        };
        let mut observer = StopAt { step: stop_after.unwrap_or(u64::MAX), stop: &stop };
        let work = || train(&cpu::Cpu::new(), &job, &mut observer).expect("a run");
        parallel::with_threads(threads, work).expect("threads")
    };
    if stop_after.is_some() {
        run(Start::New, stop_after);
        assert!(folder.join(CHECKPOINT_FILE).exists());
    }
    let summary = run(if stop_after.is_some() { Start::Resume } else { Start::New }, None).summary;
    (std::fs::read(folder.join(MODEL_FILE)).expect("the model"), summary)
}

#[test]
fn augmented_runs_have_the_same_bits_for_any_number_of_threads_and_after_a_resumption() {
    let spec = "digits:first=150,normalize=on,augment=crop:1+flip+scale+rotate";
    let (data, plain) = (data::load(spec).unwrap(), data::load("digits:first=150,normalize=on").unwrap());
    let config = Config { epochs: 3, batch: 40, ..Config::new("mlp:64-16-10", spec) };
    let (whole, _) = trained(&config, &data, 1, None);
    assert_eq!(trained(&config, &data, 3, None).0, whole);
    assert_eq!(trained(&config, &data, 2, Some(6)).0, whole);
    assert_ne!(trained(&config, &plain, 2, None).0, whole);
}

#[test]
fn how_a_network_reads_its_data_is_kept_with_it() {
    let data = data::load("digits:first=150,normalize=on").unwrap();
    let config = Config { epochs: 1, ..Config::new("mlp:64-10", "digits:first=150,normalize=on") };
    let (model, summary) = trained(&config, &data, 1, None);
    let file = tempfile::NamedTempFile::with_suffix(".safetensors").unwrap();
    std::fs::write(file.path(), model).unwrap();
    let metadata = weights::metadata(file.path()).unwrap();
    assert_eq!(Input::from_json(&metadata[Input::KEY]).unwrap(), data.input());
    assert_eq!(summary.input, Some(data.input()));
}

#[test]
fn a_small_text_is_learned() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "abcdefgh".repeat(100)).unwrap();
    let spec = format!("text:{},augment=offset", file.path().display());
    let data = data::load(&spec).unwrap();
    for model in ["lstm:vocab=8,hidden=16,steps=8", "gpt:vocab=8,layers=1,width=16,heads=2,context=8"] {
        let config = Config {
            epochs: 12,
            batch: 10,
            optimizer: "adam:lr=0.02".to_owned(),
            ..Config::new(model, spec.clone())
        };
        let (_, summary) = trained(&config, &data, 2, None);
        assert_eq!(summary.train_examples, 719 / 8);
        let scores = summary.scores.unwrap();
        // Only what comes before the first character of a window is unknown to the network.
        assert!(scores.test.accuracy > Some(0.95), "{model}: {scores:?}");
        assert_eq!(summary.input.unwrap().vocabulary.unwrap(), "abcdefgh");
    }
}

#[test]
fn a_text_in_byte_pairs_is_trained_on_and_resumed_with_the_same_bits() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "für müde Bären, für müde Füchse und für die Brücke\n".repeat(40)).unwrap();
    let spec = format!("text:{},bpe=280,augment=offset", file.path().display());
    let data = data::load(&spec).unwrap();
    let model = "gpt:vocab=280,layers=1,width=16,heads=2,context=8";
    let config = Config {
        epochs: 3,
        batch: 10,
        optimizer: "adam:lr=0.01".to_owned(),
        ..Config::new(model, spec.clone())
    };
    let (whole, summary) = trained(&config, &data, 1, None);
    assert_eq!(trained(&config, &data::load(&spec).unwrap(), 3, Some(7)).0, whole);
    let input = summary.input.unwrap();
    assert!(input.vocabulary.is_none() && input.tokenizer.is_some());
    let test = summary.scores.unwrap().test;
    let bytes = data.test.bytes_per_token().unwrap();
    assert!(bytes > 2.0, "{bytes}");
    assert_eq!(test.bits_per_byte, Some(test.loss / (std::f64::consts::LN_2 * bytes)));
}
