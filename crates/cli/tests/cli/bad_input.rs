//! Input that is refused: exit code 2, one message that names what was expected and found, nothing left behind.

use std::fs;

use crate::support::{Place, TRAIN};
use isoloss::{
    models::{Init, Model, load_model, weights},
    tensor::Key,
};

const SPEC: &str = "mlp:64-16-16-10";

/// Writes an untrained network of this architecture.
fn network(place: &Place, name: &str, spec: &str) {
    let model = Model::parse(spec).unwrap();
    let params = model.init(Init::PyTorch, Key::new(0));
    let metadata = [(weights::MODEL_KEY.to_owned(), model.spec())].into();
    weights::save(&place.path(name), &params, &metadata).unwrap();
}

/// A place with two networks of one architecture.
fn pair() -> Place {
    let place = Place::new();
    network(&place, "a.safetensors", SPEC);
    network(&place, "b.safetensors", SPEC);
    place
}

/// An IDX file of bytes.
fn idx(sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let header =
        [0, 0, 8, sizes.len() as u8].into_iter().chain(sizes.iter().flat_map(|size| size.to_be_bytes()));
    header.chain(bytes.iter().copied()).collect()
}

const IMAGES: [&str; 2] = ["train-images-idx3-ubyte", "t10k-images-idx3-ubyte"];
const LABELS: [&str; 2] = ["train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"];

/// A data set of four images of 8 × 8 in the form of MNIST, in folder `idx`.
fn idx_folder() -> Place {
    let place = Place::new();
    for (images, labels) in IMAGES.into_iter().zip(LABELS) {
        place.write(&format!("idx/{images}"), &idx(&[4, 8, 8], &[100; 256]));
        place.write(&format!("idx/{labels}"), &idx(&[4], &[0, 1, 2, 9]));
    }
    place
}

const TRAIN_IDX: &str = "train --model mlp:64-4-10 --data mnist:idx --batch 2 --epochs 1 --out run";

#[test]
fn the_data_set_of_these_tests_is_accepted_as_it_is() {
    idx_folder().text(TRAIN_IDX);
}

#[test]
fn a_missing_data_file_is_named_with_its_folder() {
    let place = idx_folder();
    fs::remove_file(place.path("idx").join(LABELS[1])).unwrap();
    place.refuses(TRAIN_IDX, &["idx", LABELS[1]]);
    place.refuses(
        "train --model mlp:64-10 --data mnist:nowhere --out run",
        &["mnist:nowhere", "expected a folder", "found nothing of that name at nowhere"],
    );
}

#[test]
fn a_truncated_data_file_is_named_with_what_was_expected_and_found() {
    let place = idx_folder();
    place.write(&format!("idx/{}", IMAGES[0]), &idx(&[4, 8, 8], &[100; 255]));
    place.refuses(TRAIN_IDX, &[IMAGES[0], "expected", "found"]);
    place.write(&format!("idx/{}", IMAGES[0]), &[0, 0]);
    place.refuses(TRAIN_IDX, &[IMAGES[0], "expected", "found"]);
}

#[test]
fn a_corrupt_data_file_is_refused() {
    let place = idx_folder();
    place.write(&format!("idx/{}", IMAGES[1]), b"these are not images");
    place.refuses(TRAIN_IDX, &[IMAGES[1], "expected", "found"]);
    place.write(&format!("idx/{}", IMAGES[1]), &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xff, 0xff, 0xff]);
    place.refuses(TRAIN_IDX, &[IMAGES[1], "gzip"]);
}

#[test]
fn a_label_out_of_range_is_named_with_its_example() {
    let place = idx_folder();
    place.write(&format!("idx/{}", LABELS[0]), &idx(&[4], &[0, 1, 10, 3]));
    place.refuses(TRAIN_IDX, &[LABELS[0], "expected labels from 0 to 9", "found label 10", "example 2"]);
}

#[test]
fn a_model_that_does_not_fit_the_data_is_refused() {
    let place = pair();
    place.refuses("train --model mlp:784-32-10 --data digits --out run", &["mlp:784-32-10", "784", "64"]);
    network(&place, "c.safetensors", "mlp:8-4-10");
    place.refuses(
        "barrier c.safetensors c.safetensors --data digits",
        &["mlp:8-4-10", "expected 64 features"],
    );
    place.refuses(
        "merge c.safetensors c.safetensors --out m.safetensors --data digits",
        &["expected 64 features"],
    );
}

#[test]
fn missing_weights_are_named() {
    let place = pair();
    for command in [
        "inspect nowhere",
        "align a.safetensors nowhere --out c.safetensors",
        "barrier nowhere a.safetensors --data digits",
    ] {
        place.refuses(command, &["nowhere", "No such file"]);
    }
    fs::create_dir(place.path("empty")).unwrap();
    place.refuses("inspect empty", &["empty is not a run folder", "model.safetensors"]);
}

#[test]
fn truncated_and_corrupt_weights_are_refused() {
    let place = pair();
    let whole = fs::read(place.path("a.safetensors")).unwrap();
    for (name, contents) in
        [("cut", &whole[..whole.len() - 1]), ("tiny", &whole[..3]), ("text", b"these are not weights")]
    {
        place.write(&format!("{name}.safetensors"), contents);
        place.refuses(&format!("inspect {name}.safetensors"), &[name, "expected", "found"]);
        place.refuses(
            &format!("merge a.safetensors {name}.safetensors --out m.safetensors"),
            &[name, "expected"],
        );
    }
}

#[test]
fn weights_that_are_not_finite_are_named_with_their_place() {
    let place = pair();
    let (model, mut params) = load_model(&place.path("a.safetensors"), None).unwrap();
    params.get_mut("2.weight").unwrap().as_mut_slice::<f32>().unwrap()[17] = f32::NAN;
    let metadata = [(weights::MODEL_KEY.to_owned(), model.spec())].into();
    weights::save(&place.path("nan.safetensors"), &params, &metadata).unwrap();
    let expected = &["nan.safetensors", "2.weight", "[1, 1]", "NaN"];
    place.refuses("align a.safetensors nan.safetensors --out b2.safetensors", expected);
    place.refuses("merge nan.safetensors b.safetensors --out m.safetensors", expected);
    place.refuses("barrier nan.safetensors b.safetensors --data digits", expected);
}

#[test]
fn mismatching_architectures_are_refused_with_the_first_difference() {
    let place = pair();
    network(&place, "narrow.safetensors", "mlp:64-8-16-10");
    network(&place, "tanh.safetensors", "mlp:64-16-16-10,act=tanh");
    for command in ["align", "merge"] {
        let arguments =
            |other: &str| format!("{command} a.safetensors {other}.safetensors --out c.safetensors");
        place.refuses(
            &arguments("narrow"),
            &["0.weight [16, 64] against 0.weight [8, 64]", "narrow.safetensors"],
        );
        place.refuses(&arguments("tanh"), &[SPEC, "mlp:64-16-16-10,act=tanh"]);
    }
    place.refuses(
        "barrier a.safetensors narrow.safetensors --data digits --out report",
        &["0.weight [16, 64]"],
    );
    let override_both = "align a.safetensors narrow.safetensors --model mlp:64-16-16-10 --out c.safetensors";
    place.refuses(
        override_both,
        &["narrow.safetensors", "0.weight", "expected shape [16, 64], found [8, 64]"],
    );
}

#[test]
fn weights_that_do_not_name_their_architecture_ask_for_it() {
    let place = pair();
    let (_, params) = load_model(&place.path("a.safetensors"), None).unwrap();
    weights::save(&place.path("bare.safetensors"), &params, &[].into()).unwrap();
    place.refuses("inspect bare.safetensors", &["bare.safetensors", "--model"]);
}

#[test]
fn outputs_that_cannot_be_written_are_refused_before_the_work() {
    let place = pair();
    place.write("file", b"");
    place.refuses(&format!("{TRAIN} --out file"), &["--out file", "expected a folder, found a file"]);
    place.refuses(&format!("{TRAIN} --out file/run"), &["file/run", "file is a file"]);
    place.refuses(
        "align a.safetensors b.safetensors --out file/c.safetensors",
        &["cannot write", "file is a file"],
    );
    place.refuses(
        "merge a.safetensors b.safetensors --out file/m.safetensors",
        &["cannot write", "file is a file"],
    );
    place.refuses("barrier a.safetensors b.safetensors --data digits --out file/report", &["cannot write"]);
    place.refuses("inspect a.safetensors --out file", &["expected a folder, found a file"]);
    place.refuses(
        "merge a.safetensors b.safetensors --out merged",
        &["ends in .safetensors", "found 'merged'"],
    );
}

#[test]
fn an_output_is_never_an_input_and_replaces_nothing_unasked() {
    let place = pair();
    for command in ["align", "merge"] {
        let to = |out: &str| format!("{command} a.safetensors b.safetensors --out {out}");
        place.refuses(&to("b.safetensors"), &["same file as the input b.safetensors"]);
        place.refuses(&to("./a.safetensors --force"), &["same file as the input a.safetensors"]);
        place.write("there.safetensors", b"precious");
        place.refuses(&to("there.safetensors"), &["there.safetensors is there already", "--force"]);
        place.text(&to("there.safetensors --force"));
    }
    place.train("run", 0);
    place.refuses("align a.safetensors run --out run/model.safetensors --force", &["same file as the input"]);
}

#[test]
fn a_run_is_not_trained_over() {
    let place = Place::new();
    place.train("run", 0);
    place.refuses(&format!("{TRAIN} --out run"), &["run already holds a run", "resume"]);
    place.refuses(&format!("{TRAIN} --out run --resume --seed 9"), &["seed", "9"]);
    place.refuses(&format!("{TRAIN} --out new --resume"), &["new holds no run to resume"]);
}

#[test]
fn impossible_numbers_are_refused() {
    let place = pair();
    place.refuses(
        "train --model mlp:64-10 --data digits --out run --epochs 0",
        &["zero epochs", "at least 1"],
    );
    place.refuses(
        "train --model mlp:64-10 --data digits --out run --batch 0",
        &["zero examples", "at least 1"],
    );
    place.refuses("train --model mlp:64-10 --data digits --out run --batch 5000", &["5000", "1437"]);
    place.refuses("train --model mlp:64-0-10 --data digits --out run", &["mlp:64-0-10", "expected"]);
    let train = "train --model mlp:64-10 --data digits --out run";
    place.refuses(&format!("{train} --clip-norm -1"), &["clip_norm should be a number above 0, found -1"]);
    place.refuses(&format!("{train} --ema 1"), &["ema should be a number from 0 up, but below 1"]);
    place.refuses(&format!("{train} --swa 11"), &["swa should be an epoch from 1 to the last, found 11"]);
    place.refuses(&format!("{train} --watch noise.loss --keep-best"), &["no evaluation set called 'noise'"]);
    place.refuses(&format!("{train} --evaluate a=digits --evaluate a=digits"), &["'a' twice"]);
    let barrier = "barrier a.safetensors b.safetensors --data digits --points";
    place.refuses(&format!("{barrier} 4"), &["odd number of points from 3", "found 4"]);
    let merge = "merge a.safetensors b.safetensors --out m.safetensors --at";
    place.refuses(&format!("{merge} NaN"), &["NaN", "finite"]);
    place.refuses(
        &merge.replace(" --out", " a.safetensors --out").replace("--at", "--at 0.5"),
        &["3 were given"],
    );
}

#[test]
fn unknown_names_get_the_nearest_one() {
    let place = pair();
    let train = |flags: &str| format!("train --out run {flags}");
    for (flags, nearest) in [
        ("--model mpl:64-10 --data digits", "did you mean 'mlp'?"),
        ("--model mlp:64-10,act=rleu --data digits", "did you mean 'relu'?"),
        ("--model mlp:64-10 --data digit", "did you mean 'digits'?"),
        ("--model mlp:64-10 --data digits --optimizer adm", "did you mean 'adam'?"),
        ("--model mlp:64-10 --data digits --schedule cosin", "did you mean 'cosine'?"),
        ("--model mlp:64-10 --data digits --init pytroch", "did you mean 'pytorch'?"),
        ("--model mlp:64-10 --data digits --loss crossentropy", "did you mean 'cross-entropy'?"),
    ] {
        place.refuses(&train(flags), &[nearest]);
    }
    place.refuses("barrier a.safetensors b.safetensors --data digitz", &["did you mean 'digits'?"]);
}

#[test]
fn wrong_use_of_flags_is_an_error_with_a_hint() {
    let place = Place::new();
    for (arguments, hint) in [
        ("mrege a b", "'merge'"),
        ("merge a b --out m.safetensors --alin none", "'--align'"),
        ("merge a b --out m.safetensors --align wieght", "weight"),
        ("merge a --out m.safetensors", "two networks or more"),
        ("merge recipe.yaml", "--out"),
        ("barrier a b", "--data"),
        ("inspect", "MODEL"),
        ("train --model mlp:64-10 --data digits --out run --epochs many", "many"),
        ("inspect --model mlp:4-2 --threads 1025", "1024"),
    ] {
        let output = place.run(arguments);
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments}: {message}");
        assert!(message.starts_with("error: ") && message.contains(hint), "{arguments}: {message}");
        assert!(output.stdout.is_empty(), "{arguments}");
    }
}
