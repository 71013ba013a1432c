//! LoRA adapters in folders of PEFT: `W + scale · B·A`, computed for a chunk at a time.
//!
//! Hu et al. 2021 for the factors, Kalajdzievski 2023 for the scale with a square root; names and settings are PEFT's.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use weights::{Entry, Reader};

use crate::{DeltaError, methods::wide};

/// The settings of an adapter.
const CONFIG: &str = "adapter_config.json";

/// Its tensors, the usual file first.
const FILES: [&str; 2] = ["adapter_model.safetensors", "adapter_model.bin"];

/// What PEFT puts before the names of all modules.
const PREFIX: &str = "base_model.model.";

/// Settings that change what an adapter does, and what they are called: they must be absent, null, false or empty.
const REFUSED: [(&str, &str); 13] = [
    ("use_dora", "DoRA"),
    ("use_qalora", "QALoRA"),
    ("use_bdlora", "block-diagonal LoRA"),
    ("lora_bias", "biases of B"),
    ("modules_to_save", "modules saved whole"),
    ("layer_replication", "replicated layers"),
    ("target_parameters", "parameters that are no modules"),
    ("trainable_token_indices", "trained tokens"),
    ("alora_invocation_tokens", "activated LoRA"),
    ("arrow_config", "Arrow"),
    ("monteclora_config", "MonteCLoRA"),
    ("kasa_config", "KaSA"),
    ("velora_config", "VeLoRA"),
];

/// Ways to begin that leave the model's weights as they are; others change them, and PEFT changes them again when it loads.
const BEGINNINGS: [&str; 3] = ["gaussian", "eva", "orthogonal"];

/// What is added to a tensor.
#[derive(Clone, Debug, Default, PartialEq)]
struct Update {
    /// The names of A and B in the adapter.
    factors: [Option<String>; 2],
    /// Whether the model has the transpose of B·A.
    transposed: bool,
    /// A copy of the model's tensor that the adapter brings.
    replaced: Option<String>,
    scale: f32,
    rank: usize,
}

/// An adapter whose tensors fit a model.
#[derive(Debug)]
pub(crate) struct Adapter {
    folder: PathBuf,
    reader: Reader,
    updates: BTreeMap<String, Update>,
}

/// The factors of one tensor's change, ready to be multiplied.
#[derive(Debug)]
pub(crate) struct Factors {
    /// A column for each column of the tensor, rank by rank.
    right: Vec<f32>,
    /// A row for each row of the tensor.
    left: Vec<f32>,
    rank: usize,
    columns: usize,
    scale: f32,
}

/// Settings as PEFT writes them.
struct Settings<'a> {
    folder: &'a Path,
    config: Value,
}

impl Adapter {
    /// Reads settings and headers, and finds what each tensor of the model becomes.
    ///
    /// # Errors
    /// [`DeltaError::Adapter`] for what is no plain LoRA or does not fit the model, and where files cannot be read.
    pub(crate) fn open(folder: &Path, model: &Reader) -> Result<Self, DeltaError> {
        let path = folder.join(CONFIG);
        let text = fs::read(&path).map_err(|source| DeltaError::Read { path: path.clone(), source })?;
        let config = serde_json::from_slice(&text).map_err(|error| DeltaError::Json {
            path,
            expected: "the settings of an adapter of PEFT",
            found: error.to_string(),
        })?;
        let settings = Settings { folder, config };
        settings.check()?;
        let file = FILES.iter().map(|name| folder.join(name)).find(|path| path.exists());
        let reader = Reader::open(&file.unwrap_or_else(|| folder.join(FILES[0])))?;
        let mut updates: BTreeMap<String, Update> = BTreeMap::new();
        for entry in reader.entries() {
            let (module, part) = settings.part(&entry.name)?;
            let update = updates.entry(format!("{module}.weight")).or_default();
            match part {
                Part::A { embedding } => {
                    update.factors[0] = Some(entry.name.clone());
                    update.transposed |= embedding;
                }
                Part::B => update.factors[1] = Some(entry.name.clone()),
                Part::Base => update.replaced = Some(entry.name.clone()),
            }
        }
        for (name, update) in &mut updates {
            update.transposed |= settings.flag("fan_in_fan_out");
            settings.finish(name, update, &reader, model)?;
        }
        Ok(Self { folder: folder.to_owned(), reader, updates })
    }

    /// The files that decide about what is added.
    pub(crate) fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.reader.files().map(Path::to_owned).chain([self.folder.join(CONFIG)])
    }

    /// The folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether something is added to this tensor of the model.
    pub(crate) fn changes(&self, tensor: &str) -> bool {
        self.updates.contains_key(tensor)
    }

    /// Where the adapter brings a copy of this tensor of the model.
    pub(crate) fn replaced(&self, tensor: &str) -> Option<(&Reader, &Entry)> {
        let name = self.updates.get(tensor)?.replaced.as_ref()?;
        self.reader.entry(name).map(|entry| (&self.reader, entry))
    }

    /// Bytes of the factors of a tensor, twice while they are read.
    pub(crate) fn bytes(&self, tensor: &str) -> usize {
        let factors = self.updates.get(tensor).into_iter().flat_map(|update| update.factors.iter().flatten());
        factors.filter_map(|name| self.reader.entry(name)).map(|entry| 8 * entry.shape.elements()).sum()
    }

    /// The factors of the change of a tensor, if it has one.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub(crate) fn factors(&self, tensor: &str) -> Result<Option<Factors>, DeltaError> {
        let Some(update) = self.updates.get(tensor) else { return Ok(None) };
        let [Some(a), Some(b)] = &update.factors else { return Ok(None) };
        let read = |name: &str| {
            let elements = self.reader.entry(name).map_or(0, |entry| entry.shape.elements());
            self.reader.read_range(name, 0..elements)
        };
        let (a, b, rank) = (read(a)?, read(b)?, update.rank);
        let (left, right) = match update.transposed {
            false => (b, a),
            true => (transpose(&a, rank), transpose(&b, b.len() / rank.max(1))),
        };
        Ok(Some(Factors { columns: right.len() / rank.max(1), left, right, rank, scale: update.scale }))
    }
}

/// Of a matrix with so many rows.
fn transpose(matrix: &[f32], rows: usize) -> Vec<f32> {
    let columns = matrix.len() / rows.max(1);
    (0..matrix.len()).map(|place| matrix[(place % rows) * columns + place / rows]).collect()
}

impl Factors {
    /// Adds the change to elements from `start` on.
    pub(crate) fn add(&self, start: usize, out: &mut [f32]) {
        let mut sums = vec![0f32; self.columns.min(out.len())];
        let (mut place, mut rest) = (start, out);
        while !rest.is_empty() {
            let (row, column) = (place / self.columns, place % self.columns);
            let (piece, behind) = rest.split_at_mut(rest.len().min(self.columns - column));
            let sums = &mut sums[..piece.len()];
            let left = &self.left[row * self.rank..][..self.rank];
            let right = &self.right[column..];
            wide(
                #[inline(always)]
                || {
                    sums.fill(0.0);
                    for (rank, &factor) in left.iter().enumerate() {
                        let terms = &right[rank * self.columns..][..sums.len()];
                        sums.iter_mut().zip(terms).for_each(|(sum, &term)| *sum += factor * term);
                    }
                    piece.iter_mut().zip(&*sums).for_each(|(out, &sum)| *out += self.scale * sum);
                },
            );
            (place, rest) = (place + piece.len(), behind);
        }
    }
}

/// Endings of names, and what the tensors are.
const PARTS: [(&str, Part); 5] = [
    (".lora_A.weight", Part::A { embedding: false }),
    (".lora_B.weight", Part::B),
    (".lora_embedding_A", Part::A { embedding: true }),
    (".lora_embedding_B", Part::B),
    (".base_layer.weight", Part::Base),
];

/// What a tensor of an adapter is for its module.
#[derive(Clone, Copy)]
enum Part {
    A { embedding: bool },
    B,
    Base,
}

impl Settings<'_> {
    fn check(&self) -> Result<(), DeltaError> {
        let kind = self.config["peft_type"].as_str().unwrap_or_default();
        if kind != "LORA" {
            return Err(self.fault("an adapter with peft_type LORA", format!("'{kind}'")));
        }
        let nothing = |value: &Value| match value {
            Value::Null | Value::Bool(false) => true,
            Value::Array(items) => items.is_empty(),
            Value::Object(fields) => fields.is_empty(),
            _ => false,
        };
        if let Some((key, what)) = REFUSED.iter().find(|(key, _)| !nothing(&self.config[*key])) {
            return Err(
                self.fault(&format!("plain LoRA without {what}"), format!("{key}: {}", self.config[*key]))
            );
        }
        if let Some(bias) = self.config["bias"].as_str().filter(|bias| *bias != "none") {
            return Err(self.fault("an adapter without biases", format!("bias: {bias}")));
        }
        match self.config["init_lora_weights"].as_str() {
            Some(begin) if !BEGINNINGS.contains(&begin) => {
                let expected = "an adapter that began from the model's weights as they are";
                Err(self.fault(expected, format!("init_lora_weights: {begin}, which changes them")))
            }
            _ => Ok(()),
        }
    }

    /// The module and part that a tensor's name tells.
    fn part<'n>(&self, name: &'n str) -> Result<(&'n str, Part), DeltaError> {
        let found = name.strip_prefix(PREFIX).and_then(|rest| {
            PARTS.iter().find_map(|(ending, part)| Some((rest.strip_suffix(ending)?, *part)))
        });
        found.ok_or_else(|| {
            let dora = if name.contains("lora_magnitude_vector") { ", which belongs to DoRA" } else { "" };
            self.fault(
                "tensors called base_model.model.….lora_A.weight and lora_B.weight",
                format!("'{name}'{dora}"),
            )
        })
    }

    /// Rank and scale, and whether shapes fit.
    fn finish(
        &self,
        name: &str,
        update: &mut Update,
        adapter: &Reader,
        model: &Reader,
    ) -> Result<(), DeltaError> {
        let module = name.trim_end_matches(".weight");
        let Some(entry) = model.entry(name) else {
            return Err(self.fault(&format!("a model with tensor '{name}'"), "none".to_owned()));
        };
        let shape = |name: &Option<String>| {
            name.as_ref().and_then(|name| adapter.entry(name)).map(|entry| entry.shape.to_vec())
        };
        let (a, b) = (shape(&update.factors[0]), shape(&update.factors[1]));
        let rank =
            self.pattern("rank_pattern", module)?.or_else(|| self.config["r"].as_f64()).unwrap_or_default();
        let alpha = self.pattern("alpha_pattern", module)?.or_else(|| self.config["lora_alpha"].as_f64());
        let expected = match (&entry.shape[..], update.transposed) {
            (&[rows, columns], false) => [vec![rank as usize, columns], vec![rows, rank as usize]],
            (&[rows, columns], true) => [vec![rank as usize, rows], vec![columns, rank as usize]],
            _ => return Err(self.fault(&format!("'{name}' to be a matrix"), entry.to_string())),
        };
        if rank < 1.0 || a.as_ref() != Some(&expected[0]) || b.as_ref() != Some(&expected[1]) {
            let turned = if update.transposed { " and fan_in_fan_out" } else { "" };
            let wanted =
                format!("A {:?} and B {:?} for {entry} with rank {rank}{turned}", expected[0], expected[1]);
            let shown =
                |shape: Option<Vec<usize>>| shape.map_or("none".to_owned(), |shape| format!("{shape:?}"));
            return Err(self.fault(&wanted, format!("{} and {}", shown(a), shown(b))));
        }
        if let Some(other) = update.replaced.as_ref().and_then(|name| adapter.entry(name))
            && (other.shape != entry.shape || !other.stored.is_float())
        {
            return Err(self.fault(&format!("a copy of {entry}"), other.to_string()));
        }
        let Some(alpha) = alpha else { return Err(self.fault("lora_alpha", "none".to_owned())) };
        let divisor = if self.flag("use_rslora") { rank.sqrt() } else { rank };
        (update.rank, update.scale) = (rank as usize, (alpha / divisor) as f32);
        Ok(())
    }

    fn flag(&self, key: &str) -> bool {
        self.config[key].as_bool().unwrap_or(false)
    }

    /// The number of the first pattern that a module's name ends with.
    fn pattern(&self, key: &str, module: &str) -> Result<Option<f64>, DeltaError> {
        for (pattern, number) in self.config[key].as_object().into_iter().flatten() {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
            let (whole, text) = match pattern.strip_prefix('^') {
                Some(text) => (true, text),
                None => (false, &pattern[..]),
            };
            if !text.chars().all(plain) {
                let expected = format!("names of modules in {key}; regular expressions are not read");
                return Err(self.fault(&expected, format!("'{pattern}'")));
            }
            let ends = module
                .strip_suffix(text)
                .is_some_and(|before| before.is_empty() || !whole && before.ends_with('.'));
            if ends {
                return Ok(number.as_f64());
            }
        }
        Ok(None)
    }

    fn fault(&self, expected: &str, found: String) -> DeltaError {
        DeltaError::Adapter { path: self.folder.to_owned(), expected: expected.to_owned(), found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the product written out, over ranges that begin and end within rows.
    #[test]
    fn a_part_of_the_product_is_added_where_it_belongs() {
        let (rows, columns, rank) = (5, 7, 3);
        let left: Vec<f32> = (0..rows * rank).map(|i| i as f32 - 4.0).collect();
        let right: Vec<f32> = (0..rank * columns).map(|i| (i * i % 11) as f32).collect();
        let whole = |place: usize| {
            let terms =
                (0..rank).map(|r| left[place / columns * rank + r] * right[r * columns + place % columns]);
            1.0 + 0.5 * terms.sum::<f32>()
        };
        let expected: Vec<f32> = (0..rows * columns).map(whole).collect();
        let factors = Factors { right, left, rank, columns, scale: 0.5 };
        for (start, end) in [(0, 35), (3, 20), (6, 7), (8, 8), (34, 35)] {
            let mut out = vec![1.0; end - start];
            factors.add(start, &mut out);
            assert_eq!(out, expected[start..end], "{start} to {end}");
        }
    }

    #[test]
    fn transposing_twice_changes_nothing() {
        let matrix: Vec<f32> = (0..6).map(|i| i as f32).collect();
        assert_eq!(transpose(&matrix, 2), [0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        assert_eq!(transpose(&transpose(&matrix, 2), 3), matrix);
    }
}
