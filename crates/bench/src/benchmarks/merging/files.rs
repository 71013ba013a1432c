//! Two models and their base in 16 bits, shaped as a language model, and moving their bytes.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Command,
};

use isoloss::{
    models::weights::{self, Entry},
    tensor::{Key, Stored},
};

use super::{
    super::finish,
    process::{Usage, own_processor_seconds},
};
use crate::{BenchError, measure::time_ms};

/// Bytes moved at a time. Ours: few calls, and it stays in the cache.
const PIECE: usize = 1 << 20;

/// Weights of a layer over the square of its width: four of attention and three of a feed-forward network of 2.75 widths.
const LAYER: f64 = 12.25;

/// The part of the weights that layers have; embeddings have the rest.
const LAYERED: f64 = 0.8;

/// The files of the models.
pub(super) struct Files {
    folder: PathBuf,
    models: [PathBuf; 3],
}

impl Files {
    /// Writes all three, with about so many bytes of tensors each; the same numbers each time.
    pub(super) fn write(folder: &Path, bytes: usize) -> Result<Self, BenchError> {
        let models = ["a", "b", "base"].map(|name| folder.join(format!("{name}.safetensors")));
        let entries = entries(bytes / Stored::BF16.size_bytes());
        for (model, path) in models.iter().enumerate() {
            let mut numbers = |entry: &Entry| Ok(Stored::BF16.encode(&numbers(entry, model)));
            weights::write(path, &entries, &BTreeMap::new(), &mut numbers)?;
        }
        Ok(Self { folder: folder.to_owned(), models })
    }

    /// The models, the base last.
    pub(super) fn all(&self) -> Vec<PathBuf> {
        self.models.to_vec()
    }

    /// The recipe with the files for `@name`.
    pub(super) fn placed(&self, recipe: &str) -> String {
        ["a", "b", "base"].iter().zip(&self.models).fold(recipe.to_owned(), |text, (name, path)| {
            text.replace(&format!("'@{name}'"), &format!("'{}'", path.display()))
        })
    }

    /// Drops the models from the page cache.
    pub(super) fn evict(&self) -> Result<(), BenchError> {
        for path in &self.models {
            File::open(path).and_then(|file| file.sync_all()).map_err(|source| unreadable(path, source))?;
            let mut input = std::ffi::OsString::from("if=");
            input.push(path);
            finish(Command::new("dd").arg(input).args(["iflag=nocache", "count=0", "status=none"]))?;
        }
        Ok(())
    }

    /// Reads the first so many files side by side, and writes and syncs as many bytes as one has: the least that a merge moves.
    pub(super) fn moved(&self, reads: usize) -> Result<Usage, BenchError> {
        let out = self.folder.join("moved");
        let before = own_processor_seconds();
        let (ms, outcome) = time_ms(|| self.move_bytes(reads, &out));
        outcome?;
        let cpu_seconds = own_processor_seconds() - before;
        fs::remove_file(&out).map_err(|source| BenchError::Temporary { source })?;
        Ok(Usage { ms, cpu_seconds, peak_bytes: None })
    }

    fn move_bytes(&self, reads: usize, out: &Path) -> Result<(), BenchError> {
        let open = |path: &PathBuf| File::open(path).map_err(|source| unreadable(path, source));
        let mut files = self.models[..reads].iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let unwritable = |source| BenchError::Temporary { source };
        let mut written = File::create(out).map_err(unwritable)?;
        let mut piece = vec![0; PIECE];
        loop {
            let mut count = 0;
            for (file, path) in files.iter_mut().zip(&self.models) {
                count = file.read(&mut piece).map_err(|source| unreadable(path, source))?;
            }
            if count == 0 {
                return written.sync_all().map_err(unwritable);
            }
            written.write_all(&piece[..count]).map_err(unwritable)?;
        }
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> BenchError {
    BenchError::Read { path: path.to_owned(), source }
}

/// Tensors of a language model with about so many weights.
fn entries(weights: usize) -> Vec<Entry> {
    let width = [4096, 2048, 1024, 64].into_iter().find(|width| weights >= 200 * width * width).unwrap_or(64);
    let layer = LAYER * (width * width) as f64;
    let layers = (LAYERED * weights as f64 / layer) as usize;
    let words = (weights.saturating_sub(layers * layer as usize) / width / 2).max(1);
    let inner = width * 11 / 4;
    let mut entries = Vec::new();
    let mut add = |name: String, shape: [usize; 2]| {
        entries.push(Entry { name, stored: Stored::BF16, shape: shape.into() });
    };
    add("model.embed_tokens.weight".to_owned(), [words, width]);
    for number in 0..layers {
        let square = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"];
        let shapes = square.map(|name| (name, [width, width])).into_iter().chain([
            ("mlp.gate_proj", [inner, width]),
            ("mlp.up_proj", [inner, width]),
            ("mlp.down_proj", [width, inner]),
        ]);
        shapes.for_each(|(name, shape)| add(format!("model.layers.{number}.{name}.weight"), shape));
    }
    add("lm_head.weight".to_owned(), [words, width]);
    entries
}

/// Uniform numbers; those of the two models with differences from the base of a tenth of its size, half of which they share.
fn numbers(entry: &Entry, model: usize) -> Vec<f32> {
    let draw = |stream: &str, numbers: &mut Vec<f32>, size: f32| {
        let mut words = vec![0; entry.shape.elements()];
        Key::new(0).child(stream).child(&entry.name).words(0, 0, &mut words);
        numbers.resize(words.len(), 0.0);
        numbers.iter_mut().zip(words).for_each(|(x, word)| *x += size * word as f32 / 2f32.powi(31));
    };
    let mut numbers = Vec::new();
    draw("base", &mut numbers, 0.05);
    if let Some(own) = ["a", "b"].get(model) {
        draw("shared", &mut numbers, 0.0025);
        draw(own, &mut numbers, 0.0025);
    }
    numbers
}
