//! Data sets by specification.

use crate::{
    DataError, Dataset, Example, Normalization, Splits, cifar, clusters, digits, images,
    line::{self, Line},
    mnist, mnist1d, npz,
    split::{self, Split, VALIDATION},
    sums,
    synthetic::OF_DRAWN,
    teacher, texts,
};

/// A family of data sets.
struct Family {
    /// The specification in messages: the name, and what is to follow.
    form: &'static str,
    load: fn(&Line<'_>) -> Result<Splits, DataError>,
    /// Options besides those of its kind.
    options: &'static [&'static [&'static str]],
    kind: Kind,
}

/// What the examples are, and so which options there are.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Vectors,
    Images,
    Text,
}

use Kind::{Images, Text, Vectors};

const fn family(
    form: &'static str,
    kind: Kind,
    load: fn(&Line<'_>) -> Result<Splits, DataError>,
    options: &'static [&'static [&'static str]],
) -> Family {
    Family { form, load, options, kind }
}

const FAMILIES: [Family; 12] = [
    family("digits", Images, digits::load, &[]),
    family("mnist:DIR", Images, mnist::load, &[]),
    family("fashion-mnist:DIR", Images, mnist::load, &[]),
    family("cifar10:DIR", Images, cifar::load_10, &[]),
    family("cifar100:DIR", Images, cifar::load_100, &[&["labels"]]),
    family("images:DIR", Images, images::load, &[&images::OPTIONS]),
    family("npz:FILE", Images, npz::load, &[&npz::OPTIONS]),
    family("text:FILE", Text, texts::load, &[&texts::OPTIONS]),
    family("clusters", Vectors, clusters::load, &[&OF_DRAWN, &clusters::OPTIONS]),
    family("teacher", Vectors, teacher::load, &[&OF_DRAWN, &teacher::OPTIONS]),
    family("mnist1d", Vectors, mnist1d::load, &[&OF_DRAWN]),
    family("sums", Text, sums::load, &[&texts::OPTIONS, &sums::OPTIONS]),
];

/// The specifications that [`load`] understands, for help texts and messages.
pub const KNOWN: [&str; FAMILIES.len()] = {
    let mut forms = [""; FAMILIES.len()];
    let mut at = 0;
    while at < forms.len() {
        forms[at] = FAMILIES[at].form;
        at += 1;
    }
    forms
};

/// Loads a data set into memory.
///
/// | specification | data set | examples | numbers |
/// |---|---|---|---|
/// | `digits` | built-in handwritten digits (UCI, doi 10.24432/C50P49) | images 1x8x8; 1,437 and every fifth image, 360, held out | grey/16 |
/// | `mnist:DIR` | the four IDX files of MNIST in folder DIR, gzipped or not | images 1x28x28 | pixels/255 |
/// | `fashion-mnist:DIR` | the same of Fashion-MNIST | images 1x28x28 | pixels/255 |
/// | `cifar10:DIR` | the binary version of CIFAR-10 in DIR, or in the folder there that its archive unpacks to | images 3x32x32 | pixels/255 |
/// | `cifar100:DIR` | the same of CIFAR-100; `labels=fine` (default) or `coarse` | images 3x32x32 | pixels/255 |
/// | `images:DIR` | PNG and JPEG files `train/CLASS/*` and `test/CLASS/*`, or `val`; without the latter a random share `test=0.2` is held out; `resize=32` or `32x48` (rows, columns) | images, in colours if one is | pixels/255 |
/// | `npz:FILE` | arrays `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`, of which a random share `test=0.2` is held out | `[N, features]` or images | unsigned bytes/255, others as they are |
/// | `text:FILE` | a text in UTF-8, gzipped or not; `test=0.1` is the share at its end that is held out | windows as long as the model reads | |
/// | `clusters` | Gaussian clusters: `classes=10`, `features=20`, `spread=1` | vectors; `train=2000`, `test=1000` | drawn with `seed=0` |
/// | `teacher` | labels of a random network: `features=20`, `hidden=50`, `classes=10` | vectors; `train=4000`, `test=1000` | drawn with `seed=0` |
/// | `mnist1d` | digits of one dimension (arXiv:2011.14439) | vectors of 40; `train=4000`, `test=1000` | drawn with `seed=0` |
/// | `sums` | lines as `17+25=42`; `lines=10000`, and `test=0.1` held out | windows as long as the model reads | drawn with `seed=0` |
///
/// Options follow as `name=value`, separated by commas; a place ends at the first comma.
///
/// - All but texts: `normalize=on` takes the mean of the training part out of each channel (of vectors: of each feature) and
///   divides by its deviation. Of the training part only a part is used with `first=N` (the first N examples),
///   `fraction=F` (a random share F; `part=K` is the K-th of parts without common examples) or `bias=B` (`part=1`: the
///   share B of each class in the upper half of the classes and 1 − B of the others; `part=2`: the rest; with `parts=N` so many
///   parts, of which each is the home of as many classes: a class's home has the share B of its examples, and the others have equal shares
///   of the rest);
///   `split_seed=0` draws both, and held-out shares. `validation=0.1` holds a random share of what is then left out of the
///   training part, for [`Splits::validation`]. The biased parts of CIFAR-100 with B = 0.8 are those of Git Re-Basin (arXiv:2209.04836,
///   section 5), but that every class is cut exactly.
/// - Images: `augment=crop+flip` and the like, see [`crate::Augmentation`]; `shift=noise:3` and the like change the test
///   images, see [`crate::Shift`].
/// - Texts: read character by character; with `tokenizer=FILE` in the byte pairs of a `tokenizer.json` of Hugging Face, or
///   with `bpe=N` in N byte pairs learned from the training part, see [`crate::BytePairs`]. `validation=0.1` holds the
///   end of the training part out of it. `augment=offset`: windows that begin elsewhere in every epoch.
///
/// Memory: a byte for a pixel of images that are stored so, 4 for other numbers and for a token, and the text besides.
///
/// # Errors
/// [`DataError::Unknown`] with the nearest name for a data set that does not exist, [`DataError::Option`] for an option
/// that it does not have, [`DataError::Spec`] for a place that is missing or not wanted and for values out of range,
/// [`DataError::Missing`] for an absent file with the names tried, [`DataError::Read`] where a file cannot be read,
/// [`DataError::Format`] for one that is truncated, damaged, of another format or of another number of examples,
/// [`DataError::Label`] for a label that belongs to no class, and [`DataError::Character`] or [`DataError::Tokenizer`] for a
/// text that a tokenizer has no tokens for.
pub fn load(spec: &str) -> Result<Splits, DataError> {
    let name = line::name(spec);
    let Some(family) = FAMILIES.iter().find(|family| line::name(family.form) == name) else {
        return Err(DataError::Unknown { found: name.to_owned(), known: KNOWN.to_vec() });
    };
    let line = Line::new(spec, family.form.contains(':'))?;
    line.allow(&[family.options, family.kind.options()].concat())?;
    let split = Split::read(&line, family.holds_out())?;
    let (augmentation, shift) = (line.augmentation(family.kind == Text)?, line.shift()?);
    let Splits { spec, train, validation, test } = (family.load)(&line)?;
    if augmentation.is_of_images() || shift.is_some() {
        check_images(&line, &train)?;
    }
    let train = split.of(&line, train)?;
    let (train, validation) = match line.share(VALIDATION)? {
        Some(share) if family.kind != Text => {
            let [train, validation] = split::validation(&line, &train, share)?;
            (train, Some(validation))
        }
        _ => (train, validation),
    };
    let test = shift.map_or_else(|| test.clone(), |shift| shift.of(&test));
    let moments = normalization(&line, &train)?;
    let train = train.normalized(moments.clone()).augmented(augmentation);
    let validation = validation.map(|validation| validation.normalized(moments.clone()));
    Ok(Splits { spec, train, validation, test: test.normalized(moments) })
}

/// Whether a specification asks for a part for validation; false for one that does not read.
#[must_use]
pub fn has_validation(spec: &str) -> bool {
    let family = FAMILIES.iter().find(|family| line::name(family.form) == line::name(spec));
    let line = family.and_then(|family| Line::new(spec, family.form.contains(':')).ok());
    line.is_some_and(|line| line.text(VALIDATION).is_some())
}

/// Refuses what can be done to images alone. Arrays may hold either.
fn check_images(line: &Line<'_>, data: &Dataset) -> Result<(), DataError> {
    match data.example() {
        Example::Image(_) => Ok(()),
        other => Err(line.fault("images for augment and shift", other.to_string())),
    }
}

impl Family {
    /// Whether a share of the examples is held out at random where the files have no test part.
    fn holds_out(&self) -> bool {
        self.kind != Text && self.form.contains(':') && self.options.concat().contains(&"test")
    }
}

impl Kind {
    const fn options(self) -> &'static [&'static [&'static str]] {
        match self {
            Vectors => &[&line::OF_EXAMPLES],
            Images => &[&line::OF_EXAMPLES, &line::OF_IMAGES],
            Text => &[],
        }
    }
}

/// The moments of the training part, where they are asked for.
fn normalization(line: &Line<'_>, train: &Dataset) -> Result<Option<Normalization>, DataError> {
    let wanted = line.switch("normalize")?.unwrap_or(false);
    Ok(train.rows().filter(|_| wanted).map(|(rows, _)| Normalization::of(rows)))
}

#[cfg(test)]
mod tests;
