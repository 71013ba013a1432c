//! Texts in byte pairs against Hugging Face's own package; `goldens/byte_pairs.py` made what is compared with.

#![expect(clippy::unwrap_used, reason = "tests stop at the first error")]

use std::{collections::BTreeMap, fs};

use isoloss_data::{DataError, Dataset, Input, Splits, load};
use tensor::{Key, parallel};

const GOLDENS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens");

fn golden(options: &str) -> Splits {
    load(&format!("text:{GOLDENS}/text.txt{options}")).unwrap()
}

/// All tokens of a text.
fn tokens(text: &Dataset) -> Vec<i32> {
    let whole = text.with_window(text.tokens().unwrap() - 1).unwrap();
    let (x, labels) = whole.gather(&[0]);
    let last = labels.as_slice::<i32>().unwrap().last().copied();
    x.as_slice::<i32>().unwrap().iter().copied().chain(last).collect()
}

#[test]
fn tokens_are_those_of_hugging_face() {
    let text = fs::read_to_string(format!("{GOLDENS}/tokens.json")).unwrap();
    let expected: BTreeMap<String, BTreeMap<String, Vec<i32>>> = serde_json::from_str(&text).unwrap();
    assert_eq!(expected.len(), 3);
    for (name, expected) in expected {
        let splits = golden(&format!(",tokenizer={GOLDENS}/{name}.json"));
        assert_eq!(tokens(&splits.train), expected["train"], "{name}");
        assert_eq!(tokens(&splits.test), expected["test"], "{name}");
    }
}

#[test]
fn learned_pairs_are_those_that_hugging_face_learns_for_any_number_of_threads() {
    let given = golden(&format!(",tokenizer={GOLDENS}/bytes.json"));
    for threads in [1, 3] {
        let learned = parallel::with_threads(threads, || golden(",bpe=384")).unwrap();
        assert_eq!(tokens(&learned.train), tokens(&given.train));
        assert_eq!(tokens(&learned.test), tokens(&given.test));
        assert_eq!(learned.train.classes(), 384);
        assert_eq!(learned.train.tokenizer().unwrap().tokens(), 384);
        assert_eq!(learned.input(), golden(",bpe=384").input());
    }
}

#[test]
fn the_bytes_alone_are_a_vocabulary() {
    let splits = golden(",bpe=256");
    assert_eq!(splits.train.bytes_per_token(), Some(1.0));
    assert!(golden(",bpe=300").train.bytes_per_token().unwrap() > 1.0);
    let characters = golden("");
    assert!(characters.train.tokenizer().is_none() && characters.train.bytes_per_token().unwrap() > 1.0);
}

#[test]
fn what_is_remembered_of_a_tokenizer_is_enough_to_read_any_text() {
    let learned = golden(",bpe=300,test=0.5");
    let json = learned.input().to_json();
    let input = Input::from_json(&json).unwrap();
    assert_eq!((&input, input.to_json()), (&learned.input(), json));
    // Whatever it was read in before: characters, or other pairs.
    for options in ["", ",bpe=256", ",bpe=300"] {
        let read = golden(&format!("{options},test=0.5")).read_as(&input).unwrap();
        assert_eq!(tokens(&read.train), tokens(&learned.train), "{options}");
        assert_eq!(read.input(), input);
    }
    let characters = golden("").input();
    assert_eq!(golden(",bpe=300").read_as(&characters).unwrap().train, golden("").train);
}

#[test]
fn a_tokenizer_that_is_remembered_is_the_one_that_was_read() {
    for name in ["bytes", "words", "plain"] {
        let input = golden(&format!(",tokenizer={GOLDENS}/{name}.json")).input();
        assert_eq!(Input::from_json(&input.to_json()).unwrap(), input, "{name}");
    }
}

#[test]
fn truncation_and_padding_of_a_file_are_left_out() {
    let file = fs::read_to_string(format!("{GOLDENS}/words.json")).unwrap();
    assert!(file.contains("\"truncation\":{") && file.contains("\"padding\":{"));
    let splits = golden(&format!(",tokenizer={GOLDENS}/words.json"));
    let json = splits.train.tokenizer().unwrap().json().to_owned();
    assert!(json.contains("\"truncation\":null") && json.contains("\"padding\":null"), "{json}");
}

fn error(spec: &str) -> String {
    load(spec).unwrap_err().to_string()
}

#[test]
fn impossible_numbers_of_pairs_are_refused() {
    let error = |options: &str| error(&format!("text:{GOLDENS}/text.txt,{options}"));
    for bpe in ["255", "0", "-1", "x", "2000000"] {
        let error = error(&format!("bpe={bpe}"));
        assert!(error.contains("bpe as a whole number from 256 (the bytes) to 1048576"), "{error}");
    }
    let most = error("bpe=4096");
    assert!(most.contains("expected bpe up to ") && most.contains("found 4096"), "{most}");
    let most: usize = most.split("bpe up to ").nth(1).unwrap().split(',').next().unwrap().parse().unwrap();
    assert_eq!(golden(&format!(",bpe={most}")).train.classes(), most);
    assert!(error(&format!("bpe={}", most + 1)).contains(&format!("bpe up to {most},")));
    assert!(error("bpe=300,tokenizer=x").contains("tokenizer or bpe, not both"));
}

/// The error for a `tokenizer.json` with these contents.
fn error_of(contents: &str) -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), contents).unwrap();
    error(&format!("text:{GOLDENS}/text.txt,tokenizer={}", file.path().display()))
}

/// A description with this model and nothing else.
fn of_model(model: &str) -> String {
    format!(r#"{{"version":"1.0","added_tokens":[],"model":{model}}}"#)
}

#[test]
fn tokenizers_of_other_types_are_refused_by_name() {
    for (model, name) in [
        (
            r#"{"type":"WordPiece","unk_token":"u","continuing_subword_prefix":"\#\#","max_input_chars_per_word":9,"vocab":{"u":0}}"#,
            "WordPiece",
        ),
        (r#"{"type":"WordLevel","unk_token":"u","vocab":{"u":0}}"#, "WordLevel"),
        (r#"{"type":"Unigram","unk_id":0,"vocab":[["u",0.0]]}"#, "Unigram"),
    ] {
        let error = error_of(&of_model(&model.replace("\\#", "#")));
        assert!(
            error.contains(&format!("model of the type BPE, found a model of the type {name}")),
            "{error}"
        );
    }
    let model = r#"{"type":"BPE","dropout":0.1,"vocab":{"a":0},"merges":[]}"#;
    assert!(error_of(&of_model(model)).contains("a dropout of 0.1"));
}

#[test]
fn damaged_tokenizers_are_refused() {
    let whole = fs::read_to_string(format!("{GOLDENS}/bytes.json")).unwrap();
    for contents in ["", "{}", "[1]", "abc", &whole[..400]] {
        let error = error_of(contents);
        assert!(error.contains("expected a tokenizer.json of Hugging Face"), "{error}");
    }
    let table = r#"{"type":"Sequence","normalizers":[{"type":"Precompiled","precompiled_charsmap":"AAAA"}]}"#;
    let normalized = whole.replace(r#""normalizer":null"#, &format!(r#""normalizer":{table}"#));
    assert!(error_of(&normalized).contains("found a normaliser of the type Precompiled"));
    let merge = of_model(r#"{"type":"BPE","vocab":{"a":0},"merges":["a b"]}"#);
    assert!(error_of(&merge).contains("tokenizer.json"));
    let missing = error(&format!("text:{GOLDENS}/text.txt,tokenizer=/no/such.json"));
    assert!(missing.contains("cannot read /no/such.json"), "{missing}");
}

#[test]
fn mutated_tokenizers_are_read_or_refused() {
    let key = Key::new(4);
    for name in ["bytes", "words", "plain"] {
        let whole = fs::read(format!("{GOLDENS}/{name}.json")).unwrap();
        for round in 0..100 {
            let (key, mut bytes) = (key.child(name).fold(round), whole.clone());
            for change in 0..1 + key.below(0, 3) {
                // Half of the changes are at the beginning, where everything but the vocabulary stands.
                let end = if key.below(4 * change + 1, 2) == 0 { 900 } else { bytes.len() as u64 };
                let at = key.below(4 * change + 2, end) as usize;
                bytes[at] = b"\"{}[],:0123456789-nulltruefalse\\ xA"[key.below(4 * change + 3, 35) as usize];
            }
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), bytes).unwrap();
            let _ = load(&format!("text:{GOLDENS}/text.txt,tokenizer={}", file.path().display()));
        }
    }
}

#[test]
fn what_a_tokenizer_has_no_token_for_is_named() {
    let model = r#"{"type":"BPE","vocab":{"T":0,"h":1,"e":2},"merges":[]}"#;
    let error = error_of(&of_model(model));
    assert!(error.contains("character 'q' at position 4 is not in the vocabulary of 3 tokens"), "{error}");
    let model = r#"{"type":"BPE","unk_token":"?","vocab":{"T":0,"h":1,"e":2},"merges":[]}"#;
    let error = error_of(&of_model(model));
    assert!(error.contains("the tokenizer refuses the text"), "{error}");
}

#[test]
fn a_network_without_tokens_for_a_text_says_so() {
    let small = golden(&format!(",tokenizer={GOLDENS}/plain.json")).input();
    let digits = load("digits").unwrap().read_as(&small).unwrap_err();
    assert!(matches!(digits, DataError::Input { .. }), "{digits}");
    assert!(digits.to_string().contains("expected a text, found images 1x8x8"));
}
