//! Language models in folders of the Hugging Face Hub: perplexity, alignment, merging.

use std::{collections::BTreeMap, fs, path::Path};

use isoloss::{
    models::{
        Init, Model, Params,
        weights::{self, Entry, Reader},
    },
    symmetry::{Factors, infer_folded},
    tensor::{DType, Key, Stored, Tensor},
};
use serde_json::Value;

use super::support::{Place, number};

/// The formula of the weights, as `crates/models/tests/goldens/formula/make.py` has it.
fn value(name: &str, shape: &[usize]) -> Tensor {
    let row: usize = if shape.len() > 1 { shape[1..].iter().product() } else { 0 };
    Tensor::from_fn(shape, |i| {
        let number = uniform(name, i);
        let element = match row {
            0 if name.ends_with("weight") => 1.0 + number / 2.0,
            0 => number / 2.0,
            _ => (3.0 / row as f64).sqrt() * number,
        };
        element as f32
    })
}

/// FNV-1a of the name, then SplitMix64.
fn uniform(name: &str, i: usize) -> f64 {
    let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let z = seed.wrapping_add((i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let z = z ^ (z >> 31);
    (z >> 40) as f64 / f64::from(1 << 23) - 1.0
}

fn goldens() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens/perplexity.json");
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

/// The networks of `goldens/perplexity.py`.
const GPT2: &str =
    "gpt:layers=2,width=8,heads=4,hidden=12,context=12,vocab=384,tied=on,act=gelu_tanh,matrices=conv1d";
const LLAMA: &str = "llama:layers=2,width=8,key_heads=2,hidden=12,context=12,vocab=420,eps=1e-6";

/// The folder of one of them, and the text beside it.
fn folder(place: &Place, name: &str, golden: &Value) {
    folder_as(place, name, name, golden);
}

fn folder_as(place: &Place, kind: &str, name: &str, golden: &Value) {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/tests/goldens");
    let tokenizer = data.join(format!("{}.json", golden["tokenizer"].as_str().unwrap()));
    place.write(&format!("{name}/config.json"), golden["config"].to_string().as_bytes());
    place.write(&format!("{name}/tokenizer.json"), &fs::read(tokenizer).unwrap());
    place.write("text.txt", &fs::read(data.join("text.txt")).unwrap());
    let spec = if kind == "gpt2" { GPT2 } else { LLAMA };
    let entries = Model::parse(spec).unwrap().entries();
    let params = entries.iter().map(|(name, shape)| (name.clone(), value(name, shape).convert(DType::F32)));
    let file = place.path(&format!("{name}/model.safetensors"));
    weights::save(&file, &Params::from_pairs(params), &BTreeMap::new()).unwrap();
}

#[test]
fn perplexities_of_folders_are_those_of_networks_written_by_hand() {
    let (place, goldens) = (Place::new(), goldens());
    for name in ["gpt2", "llama"] {
        folder(&place, name, &goldens[name]);
        for golden in goldens[name]["scores"].as_array().unwrap() {
            let stride = golden["stride"].as_u64().unwrap();
            let found = place.json(&format!("evaluate {name} --data text:text.txt --stride {stride}"));
            assert_eq!(found["whole"]["count"], golden["tokens"], "{name} {stride}");
            assert_eq!(found["whole"]["windows"], golden["windows"], "{name} {stride}");
            for (ours, theirs) in [
                ("loss", "loss"),
                ("standard_error", "standard_error"),
                ("perplexity", "perplexity"),
                ("bits_per_byte", "bits_per_byte"),
            ] {
                let [ours, theirs] = [&found["whole"][ours], &golden[theirs]].map(|x| x.as_f64().unwrap());
                assert!((ours - theirs).abs() < 2e-5 * theirs, "{name} {stride}: {ours} {theirs}");
            }
        }
        let default = place.json(&format!("evaluate {name} --data text:text.txt"));
        assert_eq!(
            (default["whole"]["window"].clone(), default["whole"]["stride"].clone()),
            (12.into(), 12.into())
        );
        let text = place.text(&format!("evaluate {name} --data text:text.txt --part test --stride 6"));
        assert!(text.contains("perplexity") && text.contains("windows of 12 tokens, one every 6"), "{text}");
    }
    // A merge tells the perplexity, too.
    let merged = place.json("merge llama llama --out m.safetensors --data text:text.txt");
    let loss = number(&merged, "/merged/test/loss");
    assert!((number(&merged, "/merged/test/perplexity") - loss.exp()).abs() < 1e-9);
    assert!(
        place.text("merge llama llama --out n.safetensors --data text:text.txt").contains("test perplexity")
    );
}

#[test]
fn what_does_not_fit_a_text_is_refused() {
    let (place, goldens) = (Place::new(), goldens());
    folder(&place, "gpt2", &goldens["gpt2"]);
    place.refuses("evaluate gpt2 --data text:text.txt --stride 13", &["stride from 1 to 12, found 13"]);
    place.refuses(
        "evaluate gpt2 --data digits --stride 4",
        &["--stride is for networks that predict the next token"],
    );
    folder(&place, "llama", &goldens["llama"]);
    let tokenizer = place.path("llama/tokenizer.json");
    fs::copy(&tokenizer, place.path("gpt2/tokenizer.json")).unwrap();
    place.refuses("evaluate gpt2 --data text:text.txt", &["vocabulary of at least", "found 384"]);
    folder(&place, "gpt2", &goldens["gpt2"]);
    fs::remove_file(tokenizer).unwrap();
    place.refuses("evaluate llama --data text:text.txt", &["llama has no tokenizer.json", "tokenizer=FILE"]);
    place.text("evaluate llama --data text:text.txt,tokenizer=gpt2/tokenizer.json --part test");
    place.train("run", 0);
    place.refuses(
        "evaluate run --data digits --stride 4",
        &["--stride is for networks that predict the next token"],
    );
    place.refuses("evaluate run --data digits --part whole", &["'digits' is none"]);
}

/// Random weights with gains that are not one.
fn drawn(model: &Model, seed: u64) -> Params {
    let key = Key::new(seed);
    let params = model.init(Init::PyTorch, key);
    let change = |(number, tensor): (usize, &Tensor)| {
        let (own, values) = (key.fold(number as u64), tensor.to_f64_vec());
        Tensor::from_fn(tensor.shape().clone(), |at| (values[at] + 0.2 * own.normal(at as u64)) as f32)
    };
    params.with_values(params.values().enumerate().map(change).collect())
}

/// The parameters moved by a random element of the whole group but for scales, with noise of this size.
fn planted(model: &Model, params: &Params, noise: f64) -> Params {
    let key = Key::new(7);
    let change = |(number, tensor): (usize, &Tensor)| {
        let (own, values) = (key.fold(number as u64), tensor.to_f64_vec());
        Tensor::from_fn(tensor.shape().clone(), |at| (values[at] + noise * own.normal(at as u64)) as f32)
    };
    let near = params.with_values(params.values().enumerate().map(change).collect());
    let folding = infer_folded(&model.forward(1, DType::F64));
    let group = folding.folded.exact();
    let drawn = group.random(key);
    // Scales stay as they are.
    let plain =
        |(own, none): (&Factors, &Factors)| Factors { scales: none.scales.clone(), signs: own.signs.clone() };
    let factors = drawn.factors().iter().zip(group.identity().factors()).map(plain).collect();
    let element = group.with_factors(drawn, factors).unwrap();
    folding.unfold(&group.act(&element, &folding.fold(&near).unwrap()).unwrap(), params).unwrap()
}

/// A folder with weights in two files.
fn sharded_as(place: &Place, kind: &str, name: &str, golden: &Value, params: &Params, stored: Stored) {
    folder_as(place, kind, name, golden);
    fs::remove_file(place.path(&format!("{name}/model.safetensors"))).unwrap();
    let entry = |(name, tensor): (&str, &Tensor)| Entry {
        name: name.to_owned(),
        stored,
        shape: tensor.shape().clone(),
    };
    let entries: Vec<Entry> = params.iter().map(entry).collect();
    let mut bytes = |entry: &Entry| Ok(stored.encode(params.get(&entry.name).unwrap().as_slice().unwrap()));
    let most = params.elements() * stored.size_bytes() / 2 + 1;
    let metadata = BTreeMap::from([("format".to_owned(), "pt".to_owned())]);
    weights::write_sharded(&place.path(name), &entries, &metadata, most, &mut bytes).unwrap();
}

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn with_note(mut names: Vec<String>) -> Vec<String> {
    names.push("isoloss.json".to_owned());
    names.sort();
    names
}

fn perplexity(place: &Place, name: &str) -> f64 {
    number(&place.json(&format!("evaluate {name} --data text:text.txt")), "/whole/perplexity")
}

#[test]
fn folders_are_aligned_and_merged_into_folders_like_them() {
    let goldens = goldens();
    for (name, spec, more) in [("gpt2", GPT2, ""), ("llama", LLAMA, ""), ("llama", LLAMA, " --by-layer")] {
        let (place, model) = (Place::new(), Model::parse(spec).unwrap());
        let a = drawn(&model, 1);
        let golden = &goldens[name];
        for (folder, params) in
            [("a", a.clone()), ("b", planted(&model, &a, 0.01)), ("other", drawn(&model, 2))]
        {
            sharded_as(&place, name, folder, golden, &params, Stored::BF16);
        }
        let before = perplexity(&place, "b");
        let found = place.json(&format!("align a b --method circuit --out b2{more}"));
        assert_eq!(names_in(&place.path("b2")), with_note(names_in(&place.path("b"))), "{name}");
        // Same files, names, types, configuration and tokenizer; the same function but for rounding to BF16.
        let [b, b2] = ["b", "b2"].map(|folder| Reader::open(&place.path(folder)).unwrap());
        assert_eq!(b.entries(), b2.entries());
        for file in ["config.json", "tokenizer.json", "model.safetensors.index.json"] {
            assert_eq!(
                fs::read(place.path("b").join(file)).unwrap(),
                fs::read(place.path("b2").join(file)).unwrap()
            );
        }
        let after = perplexity(&place, "b2");
        assert!((after / before - 1.0).abs() < 0.02, "{name}{more}: {before} {after}");
        // What was planted is found: B is as near as its noise and rounding, and the merged network as good as its parents.
        let distance = |found: &Value| match found["matching"].get("distances") {
            Some(all) => all.as_array().unwrap().last().unwrap().as_f64().unwrap(),
            None => number(found, "/matching/distance"),
        };
        let left = distance(&found);
        place.json(&format!("merge a b --align circuit --out merged{more}"));
        let (parent, merged) = (perplexity(&place, "a"), perplexity(&place, "merged"));
        assert!((merged / parent.max(before) - 1.0).abs() < 0.05, "{name}{more}: {parent} {before} {merged}");
        place.json("merge a b --align none --out naive");
        let naive = perplexity(&place, "naive");
        assert!(
            (naive / parent - 1.0).abs() > (merged / parent - 1.0).abs(),
            "{name}{more}: {naive} {merged}"
        );
        // A network that was not planted does not pass as one that was.
        let unrelated = distance(&place.json(&format!("align a other --method circuit --out other2{more}")));
        assert!(unrelated > 5.0 * left, "{name}{more}: {unrelated} {left}");
        place.refuses(
            &format!("align a b --method circuit --out b2{more}"),
            &["expected a new or empty folder"],
        );
        place.refuses(
            &format!("align a b --method circuit --out a --force{more}"),
            &["same file as the input"],
        );
        place.json(&format!("align a b --method circuit --out b2 --force{more}"));
        assert_eq!(names_in(&place.path(".")).iter().filter(|name| name.contains("unfinished")).count(), 0);
    }
}

#[test]
fn the_same_seed_gives_the_same_folders_whatever_the_threads() {
    let (place, goldens, model) = (Place::new(), goldens(), Model::parse(LLAMA).unwrap());
    let a = drawn(&model, 1);
    sharded_as(&place, "llama", "a", &goldens["llama"], &a, Stored::F32);
    sharded_as(&place, "llama", "b", &goldens["llama"], &planted(&model, &a, 0.01), Stored::F32);
    for threads in [1, 2, 3] {
        place.text(&format!("align a b --method circuit --by-layer --out b{threads} --threads {threads}"));
    }
    for name in names_in(&place.path("b1")) {
        let one = fs::read(place.path("b1").join(&name)).unwrap();
        assert!(
            [2, 3].iter().all(|threads| fs::read(place.path(&format!("b{threads}/{name}"))).unwrap() == one),
            "{name}"
        );
    }
}

#[test]
fn folders_that_cannot_be_aligned_are_refused() {
    let (place, goldens) = (Place::new(), goldens());
    let [gpt, llama] = [GPT2, LLAMA].map(|spec| Model::parse(spec).unwrap());
    sharded_as(&place, "gpt2", "gpt", &goldens["gpt2"], &drawn(&gpt, 1), Stored::F32);
    sharded_as(&place, "llama", "llama", &goldens["llama"], &drawn(&llama, 1), Stored::F32);
    let refuses = |command: &str, fragments: &[&str]| place.refuses(command, fragments);
    refuses("align gpt llama --method circuit --out out", &["different architectures"]);
    refuses("align gpt gpt --method circuit --by-layer --out out", &["not tied", "gpt is none"]);
    refuses("align llama llama --method weight --by-layer --out out", &["--by-layer has no influence"]);
    refuses("align llama llama --method circuit --by-layer --out b.safetensors", &["--out must be a folder"]);
    refuses(
        "align llama llama --method circuit --by-layer --restarts 2 --out out",
        &["--restarts has no influence"],
    );
    refuses(
        "merge llama llama --align circuit --by-layer --data text:text.txt --out out",
        &["--data does not go", "isoloss evaluate"],
    );
    refuses("merge llama llama --by-layer --out out", &["--align circuit"]);
    let config = fs::read_to_string(place.path("llama/config.json")).unwrap().replace("420", "421");
    sharded_as(&place, "llama", "wide", &goldens["llama"], &drawn(&llama, 1), Stored::F32);
    place.write("wide/config.json", config.as_bytes());
    refuses(
        "align llama wide --method circuit --by-layer --out out",
        &["model.embed_tokens.weight", "[421, 8]"],
    );
    assert!(place.run("align llama llama --check").status.code().is_some());
}
