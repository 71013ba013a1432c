//! `isoloss data` and `evaluate`, and what networks remember of their data.

use crate::support::{Place, number};

#[test]
fn data_sets_and_the_ways_to_get_them_are_told() {
    let place = Place::new();
    let all = place.text("data");
    for fragment in ["digits, mnist:DIR", "images:DIR", "apt install dataset-fashion-mnist", "md5sum -c"] {
        assert!(all.contains(fragment), "{fragment}: {all}");
    }
    let one = place.text("data cifar100");
    assert!(one.contains("cifar-100-binary.tar.gz") && !one.contains("cifar-10-binary"), "{one}");
    assert_eq!(
        place.json("data cifar10")["md5"]["cifar-10-binary.tar.gz"],
        "c32a1d4ab5d03f1284b67883e8d87530"
    );
    place.refuses("data cifar11", &["did you mean 'cifar10:DIR'?"]);
    place.refuses("data cifar10:", &["cifar10:DIR", "nothing after the colon"]);
}

#[test]
fn what_is_in_a_data_set_is_told() {
    let place = Place::new();
    let text = place.text("data digits:first=100,normalize=on,augment=crop:1+flip");
    for fragment in
        ["images 1x8x8, 10 classes", "train  100 examples", "test   360 examples", "by crop:1+flip"]
    {
        assert!(text.contains(fragment), "{fragment}: {text}");
    }
    place.write("words.txt", "to be or not to be\n".repeat(10).as_bytes());
    assert!(place.text("data text:words.txt").contains("8 different characters: \\n benort"));
    assert_eq!(place.json("data clusters:classes=4,train=40")["train"]["counts"][3], 10);
}

#[test]
fn a_network_reads_every_data_set_as_in_its_training() {
    let place = Place::new();
    let trained = place.json("train --model mlp:64-16-10 --data digits:normalize=on --epochs 1 --out a");
    let scored = place.json("evaluate a --data digits");
    for part in ["train", "test"] {
        assert_eq!(trained[part]["loss"], scored[part]["loss"], "{part}");
    }
    assert_eq!(number(&scored, "/test/count"), 360.0);
    let shifted = place.json("evaluate a --data digits:shift=noise:5 --part test");
    assert!(shifted["test"]["loss"] != scored["test"]["loss"] && shifted.get("train").is_none());
    place.text("train --model mlp:64-16-10 --data digits --epochs 1 --out b");
    place.refuses("barrier a b --data digits", &["a and b read their data differently"]);
    place.text("merge a a --out m.safetensors");
    assert_eq!(place.json("evaluate m.safetensors --data digits")["test"]["loss"], scored["test"]["loss"]);
}

#[test]
fn a_network_of_texts_remembers_its_vocabulary() {
    let place = Place::new();
    place.write("abc.txt", "abc ".repeat(200).as_bytes());
    place.write("bc.txt", "bc".repeat(200).as_bytes());
    place.write("other.txt", "abx".repeat(200).as_bytes());
    let train =
        "train --model lstm:vocab=4,hidden=8,steps=8 --data text:abc.txt --batch 8 --epochs 2 --out run";
    place.text(train);
    let scored = place.json("evaluate run --data text:bc.txt --part test");
    assert_eq!(number(&scored, "/test/count"), 39.0);
    place.refuses("evaluate run --data text:other.txt", &["character 'x' at position 2", "vocabulary of 4"]);
    place.refuses("evaluate run --data digits", &["expected a text, found images 1x8x8"]);
    place.write("abc.txt", "abd ".repeat(200).as_bytes());
    let begun = "the data are read otherwise than when the run in run began";
    place.refuses(&format!("{train} --resume"), &[begun, "vocabulary or tokenizer"]);
    let small = "train --model lstm:vocab=3 --data text:abc.txt --out small";
    place.refuses(small, &["at least 4 tokens, found 3", "try --model with vocab=4"]);
}

#[test]
fn texts_that_are_none_are_refused() {
    let place = Place::new();
    place.write("bad.txt", b"abc\xff");
    place.refuses("data text:bad.txt", &["bad.txt", "UTF-8", "byte 0xff at position 3"]);
    place.refuses("data text:none.txt", &["cannot read none.txt"]);
}

#[test]
fn a_network_of_byte_pairs_remembers_its_tokenizer() {
    let place = Place::new();
    place.write("words.txt", "the müde Bär and the müde Fuchs\n".repeat(60).as_bytes());
    place.write("other.txt", "the Fuchs → and the Bär\n".repeat(60).as_bytes());
    assert!(place.text("data text:words.txt,bpe=270").contains("byte pairs of 270 tokens, which are "));
    let train = "train --model gpt:vocab=270,layers=1,width=8,heads=2,context=8 --data text:words.txt,bpe=270 --batch 16 --epochs 1 --out run";
    assert!(place.text(train).contains(" bits/byte\n"));
    // The tokenizer comes from the network, whatever --data says.
    let scored = place.json("evaluate run --data text:words.txt --part test");
    let again = place.json("evaluate run --data text:words.txt,bpe=256 --part test");
    assert_eq!(scored["test"], again["test"]);
    assert!(number(&scored, "/test/bits_per_byte") > 0.0);
    assert!(place.text("evaluate run --data text:other.txt").contains("bits/byte"));
    place.text("merge run run --out m.safetensors");
    assert_eq!(
        place.json("evaluate m.safetensors --data text:words.txt --part test")["test"],
        scored["test"]
    );
    let small = "train --model lstm:vocab=256 --data text:words.txt,bpe=270 --out small";
    place.refuses(small, &["at least 270 tokens, found 256", "try --model with vocab=270"]);
    place.refuses("data text:words.txt,bpe=4096", &["bpe up to ", "found 4096"]);
    place.refuses("data text:words.txt,bpe=100", &["from 256 (the bytes)"]);
    place.refuses("data text:words.txt,tokenizer=words.txt", &["words.txt: expected a tokenizer.json"]);
}
