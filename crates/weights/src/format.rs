//! The formats, told by the names of files.

use std::{fmt, path::Path};

use tensor::Stored;

use crate::WeightsError;

/// A format of weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Hugging Face's safetensors: one file, or several with an index.
    Safetensors,
    /// What `torch.save` writes: one file, or several with an index.
    PyTorch,
    /// An archive of numpy's arrays.
    Npz,
    /// One array of numpy's.
    Npy,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Safetensors, Self::PyTorch, Self::Npz, Self::Npy];

    /// The endings of its files, the usual one first.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Safetensors => &["safetensors"],
            Self::PyTorch => &["pt", "pth", "bin", "ckpt"],
            Self::Npz => &["npz"],
            Self::Npy => &["npy"],
        }
    }

    /// The name, as `safetensors`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Safetensors => "safetensors",
            Self::PyTorch => "PyTorch",
            Self::Npz => "NPZ",
            Self::Npy => "NPY",
        }
    }

    /// Whether its files say something about themselves beside their tensors.
    #[must_use]
    pub const fn keeps_metadata(self) -> bool {
        matches!(self, Self::Safetensors | Self::Npz)
    }

    /// Whether its files can hold elements of this type. All types are read wherever they may stand.
    #[must_use]
    pub const fn holds(self, stored: Stored) -> bool {
        match self {
            Self::Safetensors => true,
            // PyTorch has classes of storages only for the types that it had when the format was made.
            Self::PyTorch => !matches!(stored, Stored::U64 | Stored::U32 | Stored::U16),
            Self::Npz | Self::Npy => !matches!(stored, Stored::BF16),
        }
    }

    /// The format of a file with this name, in capitals or not.
    ///
    /// # Errors
    /// [`WeightsError::Ending`] where the ending is of no format.
    pub fn of(path: &Path) -> Result<Self, WeightsError> {
        let ending =
            path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        Self::ALL
            .into_iter()
            .find(|format| format.endings().contains(&&ending[..]))
            .ok_or_else(|| WeightsError::Ending { path: path.to_owned(), expected: endings(), found: ending })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// All endings, as `.safetensors, .pt, … or .npy`.
pub(crate) fn endings() -> String {
    let all: Vec<String> =
        Format::ALL.iter().flat_map(|format| format.endings()).map(|ending| format!(".{ending}")).collect();
    match all.split_last() {
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_tells_the_format() {
        assert_eq!(Format::of(Path::new("a/model.safetensors")).unwrap(), Format::Safetensors);
        assert_eq!(Format::of(Path::new("MODEL.PTH")).unwrap(), Format::PyTorch);
        let error = Format::of(Path::new("model.h5")).unwrap_err().to_string();
        assert_eq!(
            error,
            "model.h5: expected a name that ends in .safetensors, .pt, .pth, .bin, .ckpt, .npz or .npy, found 'h5'"
        );
    }
}
