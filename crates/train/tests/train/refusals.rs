//! What is refused, and that nothing is left behind or lost.

use std::fs;

use crate::common::{bytes, config, files, new_folder, resume, run_new, run_until};
use isoloss_train::{
    CHECKPOINT_FILE, Config, MODEL_FILE, RUN_FILE, Start, Status, Summary, TrainError, read_log,
};

#[test]
fn impossible_runs_are_refused_before_anything_is_written() {
    let refused = |config: Config| {
        let (_parent, folder) = new_folder();
        let error = run_new(&config, &folder).unwrap_err();
        assert!(!folder.exists(), "{error}");
        error.to_string()
    };
    let text = refused(Config { epochs: 0, ..config() });
    assert_eq!(text, "a run of zero epochs trains nothing; give at least 1");
    let text = refused(Config { batch: 0, ..config() });
    assert_eq!(text, "a batch of zero examples trains nothing; give at least 1");
    let text = refused(Config { batch: 151, ..config() });
    assert!(text.contains("151 examples is larger than the training set 'digits' of 150"), "{text}");
    let text = refused(Config { model: "mlp:65-9".to_owned(), ..config() });
    assert!(text.contains("expected 64 features and 10 classes, found 65 and 9"), "{text}");
    let text = refused(Config { model: "resnet8".to_owned(), ..config() });
    assert!(text.contains("expected 64 features and 10 classes, found 3072 and 10; try --model with the options in=1x8x8,classes=10"), "{text}");
    let text = refused(Config { model: "lstm:vocab=10,steps=64".to_owned(), ..config() });
    assert!(
        text.contains("model lstm:vocab=10 reads tokens, but data set 'digits (train)' holds numbers"),
        "{text}"
    );
    let text = refused(Config { optimizer: "adam:lr=nan".to_owned(), ..config() });
    assert!(text.contains("lr should be a number above 0, found 'nan'"), "{text}");
}

#[test]
fn a_batch_of_the_whole_training_set_is_fine() {
    let (_parent, folder) = new_folder();
    let outcome = run_new(&Config { batch: 150, ..config() }, &folder).unwrap();
    assert_eq!(outcome.summary.steps, 3);
}

#[test]
fn a_folder_that_holds_a_run_is_refused_to_another() {
    let (_parent, folder) = new_folder();
    run_new(&config(), &folder).unwrap();
    let before = bytes(&folder, MODEL_FILE);
    let error = run_new(&Config { seed: 9, ..config() }, &folder).unwrap_err();
    assert!(matches!(&error, TrainError::RunExists { file, .. } if *file == RUN_FILE), "{error}");
    assert!(error.to_string().contains("already holds a run (it has run.json); resume it"), "{error}");
    assert_eq!(bytes(&folder, MODEL_FILE), before);
}

#[test]
fn a_folder_with_files_of_a_run_but_no_run_is_refused() {
    let (_parent, folder) = new_folder();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(MODEL_FILE), "precious").unwrap();
    let error = run_until(&config(), &folder, Start::NewOrResume, 1).unwrap_err();
    assert!(error.to_string().contains("already holds a run (it has model.safetensors)"), "{error}");
    assert_eq!(bytes(&folder, MODEL_FILE), b"precious");
}

#[test]
fn an_empty_folder_and_other_files_are_no_run() {
    let (_parent, folder) = new_folder();
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    run_new(&config(), &folder).unwrap();
    assert_eq!(bytes(&folder, "notes.txt"), b"mine");
}

#[test]
fn nothing_to_resume_is_said() {
    let (_parent, folder) = new_folder();
    let error = resume(&config(), &folder).unwrap_err();
    assert!(error.to_string().contains("holds no run to resume: it has no file run.json"), "{error}");
    assert!(!folder.exists());
}

#[test]
fn another_configuration_does_not_resume_a_run() {
    let (_parent, folder) = new_folder();
    run_until(&config(), &folder, Start::New, 5).unwrap();
    for (other, field, recorded, asked) in [
        (Config { seed: 6, ..config() }, "seed", "5", "6"),
        (Config { epochs: 4, ..config() }, "epochs", "3", "4"),
        (
            Config { optimizer: "adam".to_owned(), ..config() },
            "optimizer",
            "\"adam:lr=0.003\"",
            "\"adam:lr=0.001\"",
        ),
    ] {
        let error = resume(&other, &folder).unwrap_err().to_string();
        let expected = format!("the run recorded has {field} = {recorded}, but {asked} was asked for");
        assert!(error.starts_with(&expected), "{error}");
    }
    resume(&config(), &folder).unwrap();
}

#[test]
fn an_unwritable_folder_is_named() {
    let (parent, _) = new_folder();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = run_new(&config(), &file.join("run")).unwrap_err().to_string();
    assert!(error.starts_with("cannot write ") && error.contains("file/run/run.json"), "{error}");
}

#[test]
fn damaged_files_are_named() {
    let (_parent, folder) = new_folder();
    run_until(&config(), &folder, Start::New, 5).unwrap();
    let (run, checkpoint) = (bytes(&folder, RUN_FILE), bytes(&folder, CHECKPOINT_FILE));
    let error = |file: &str, contents: &[u8]| {
        fs::write(folder.join(file), contents).unwrap();
        resume(&config(), &folder).unwrap_err().to_string()
    };
    let text = error(CHECKPOINT_FILE, &checkpoint[..checkpoint.len() / 2]);
    assert!(text.contains("checkpoint.safetensors is not a whole safetensors file"), "{text}");
    let text = error(CHECKPOINT_FILE, &another_checkpoint());
    assert!(text.contains("expected a checkpoint of this run"), "{text}");
    fs::write(folder.join(CHECKPOINT_FILE), checkpoint).unwrap();
    let text = error(RUN_FILE, &run[..run.len() / 2]);
    assert!(text.contains("run.json is damaged: expected the summary of a run, format 1"), "{text}");
    let newer = String::from_utf8(run.clone()).unwrap().replace("\"format\": 1", "\"format\": 2");
    assert!(error(RUN_FILE, newer.as_bytes()).contains("found format 2"));
    fs::write(folder.join(RUN_FILE), run).unwrap();
    resume(&config(), &folder).unwrap();
}

fn another_checkpoint() -> Vec<u8> {
    let (_parent, folder) = new_folder();
    run_until(&Config { seed: 99, ..config() }, &folder, Start::New, 5).expect("it stops");
    bytes(&folder, CHECKPOINT_FILE)
}

/// Sound in the first epoch, hopeless in the second.
fn diverging() -> Config {
    let (optimizer, schedule) = ("sgd:lr=0.1".to_owned(), "step:at=1,gamma=1e30".to_owned());
    Config { optimizer, schedule, ..config() }
}

#[test]
fn a_diverging_run_stops_and_keeps_the_last_good_checkpoint() {
    let (_parent, folder) = new_folder();
    let config = Config { checkpoint_seconds: 0.0, ..diverging() };
    let error = run_new(&config, &folder).unwrap_err();
    let TrainError::Diverged { epoch, step, value, checkpoint: Some(kept), .. } = error else {
        panic!("{error}")
    };
    assert!(epoch == 2 && step > 4 && !value.is_finite() && (4..step).contains(&kept), "{error}");
    assert!(error.to_string().contains(&format!("the checkpoint of step {kept} is kept")), "{error}");
    let loaded = models::weights::load(&folder.join(CHECKPOINT_FILE)).unwrap();
    assert!(loaded.params.values().all(|tensor| tensor.first_non_finite().is_none()));
    assert!(!folder.join(MODEL_FILE).exists());
    assert_eq!(read_log(&folder).unwrap().len(), 1);
    let summary = Summary::read(&folder).unwrap();
    assert_eq!((summary.status, summary.divergence.unwrap().step), (Status::Diverged, step));
    assert_eq!(resume(&config, &folder).unwrap_err().to_string(), error.to_string());
}

#[test]
fn a_run_that_diverges_at_once_says_that_there_is_no_checkpoint() {
    let (_parent, folder) = new_folder();
    let error = run_new(&diverging(), &folder).unwrap_err().to_string();
    assert!(error.contains("training diverged in epoch 2 at step "), "{error}");
    assert!(error.contains("no checkpoint had been written yet; try a smaller learning rate"), "{error}");
    assert_eq!(files(&folder), ["log.jsonl", "run.json"]);
}
