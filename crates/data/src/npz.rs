//! Data sets in numpy's archives.

use std::{fs::File, io::BufReader, path::Path};

use tensor::{Stored, npy::Array, npz::Reader};

use crate::{
    DataError, Dataset, Example, Image, Splits,
    dataset::Classes,
    line::Line,
    mnist::same_size,
    rows::{Numbers, Rows},
    split,
};

/// The options of its own.
pub(crate) const OPTIONS: [&str; 1] = ["test"];

/// The share that is held out where there are no test arrays. Ours.
const HELD_OUT: f64 = 0.2;
/// The value of a full pixel.
const WHITE: f32 = 255.0;
/// Most classes. Ours, so that a wrong array of labels is a message and not an exhausted machine.
const MOST_CLASSES: i64 = 1 << 20;

const HINT: &str = "the archive needs arrays x_train, y_train, x_test and y_test, or x and y";

/// An archive under reading.
struct Source<'a> {
    path: &'a Path,
    archive: Reader<BufReader<File>>,
}

/// Loads an archive with `x_train`, `y_train`, `x_test` and `y_test`, or with `x` and `y`, of which a random share is held
/// out. An array of examples is `[N, features]`, of images `[N, rows, columns]`, `[N, channels, rows, columns]` or
/// `[N, rows, columns, channels]`, where 1, 3 or 4 channels tell which; unsigned bytes are divided by 255, other numbers
/// read as they are. Labels are whole numbers, `[N]` or `[N, 1]`.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let (path, share) = (line.place("FILE")?, line.share("test")?);
    let file = File::open(path).map_err(|source| DataError::Read { path: path.to_owned(), source })?;
    let archive =
        Reader::new(BufReader::new(file)).map_err(|error| fault(path, &error.expected, error.found))?;
    let mut source = Source { path, archive };
    if !source.has("x_train") {
        let (rows, labels) = source.part("x", "y")?;
        let classes = count(&labels);
        let all = source.dataset(line, "train", rows, labels, classes)?;
        return split::hold_out(line, &all, share.unwrap_or(HELD_OUT));
    }
    if let Some(share) = share {
        return Err(line.fault("no share held out where there are test arrays", format!("test={share}")));
    }
    let (train, test) = (source.part("x_train", "y_train")?, source.part("x_test", "y_test")?);
    let classes = count(&train.1).max(count(&test.1));
    let train = source.dataset(line, "train", train.0, train.1, classes)?;
    same_size(line, train, source.dataset(line, "test", test.0, test.1, classes)?)
}

/// One more than the largest label.
fn count(labels: &[i32]) -> usize {
    labels.iter().max().map_or(0, |&label| label as usize + 1)
}

impl Source<'_> {
    fn has(&self, name: &str) -> bool {
        self.archive.names().any(|known| known == name)
    }

    fn array(&mut self, name: &str) -> Result<Array, DataError> {
        let Some(array) = self.archive.array(name) else {
            let known: Vec<&str> = self.archive.names().collect();
            return Err(fault(self.path, &format!("an array '{name}'"), known.join(", ")));
        };
        array.map_err(|error| fault(self.path, &format!("in array '{name}' {}", error.expected), error.found))
    }

    /// Examples with as many labels.
    fn part(&mut self, x: &str, y: &str) -> Result<(Rows, Vec<i32>), DataError> {
        let rows = self.rows(x)?;
        let labels = self.labels(y)?;
        if labels.len() == rows.len() {
            return Ok((rows, labels));
        }
        let expected = format!("{} labels in '{y}', one for each example of '{x}'", rows.len());
        Err(fault(self.path, &expected, labels.len().to_string()))
    }

    fn rows(&mut self, name: &str) -> Result<Rows, DataError> {
        let Array { stored, shape, bytes } = self.array(name)?;
        let wrong = |found: String| {
            let expected = format!(
                "array '{name}' as [N, features], [N, rows, columns], [N, channels, rows, columns] \
                 or [N, rows, columns, channels] with 1, 3 or 4 channels, and no size 0"
            );
            fault(self.path, &expected, found)
        };
        let (example, last) = example(&shape).ok_or_else(|| wrong(shape.to_string()))?;
        let numbers = match stored {
            Stored::U8 => Numbers::Bytes { bytes: channels_first(bytes, example, last), white: WHITE },
            _ => Numbers::Floats(channels_first(floats(stored, &bytes), example, last)),
        };
        if let Numbers::Floats(floats) = &numbers
            && let Some(at) = floats.iter().position(|number| !number.is_finite())
        {
            let expected = format!("finite numbers in '{name}'");
            return Err(fault(
                self.path,
                &expected,
                format!("{} in example {}", floats[at], at / example.elements()),
            ));
        }
        Ok(Rows::new(example, numbers))
    }

    fn labels(&mut self, name: &str) -> Result<Vec<i32>, DataError> {
        let Array { stored, shape, bytes } = self.array(name)?;
        if !matches!(shape[..], [_] | [_, 1]) {
            return Err(fault(self.path, &format!("labels '{name}' as [N] or [N, 1]"), shape.to_string()));
        }
        if stored.is_float() {
            let found = "floating-point numbers; save them as integers".to_owned();
            return Err(fault(self.path, &format!("whole numbers as labels '{name}'"), found));
        }
        let labels = integers(stored, &bytes);
        match labels.iter().position(|label| !(0..MOST_CLASSES).contains(label)) {
            None => Ok(labels.into_iter().map(|label| label as i32).collect()),
            Some(index) => {
                let (file, found) = (format!("{}: {name}", self.path.display()), labels[index]);
                Err(DataError::Label { file, index, found, classes: MOST_CLASSES as usize })
            }
        }
    }

    fn dataset(
        &self,
        line: &Line<'_>,
        part: &str,
        rows: Rows,
        labels: Vec<i32>,
        classes: usize,
    ) -> Result<Dataset, DataError> {
        Dataset::of_rows(format!("{} ({part})", line.name), Classes::unnamed(classes), rows, labels)
    }
}

/// Numbers above the range are no labels, and are refused as such.
fn integers(stored: Stored, bytes: &[u8]) -> Vec<i64> {
    stored.integers(bytes).into_iter().map(|number| number.unwrap_or(i64::MAX)).collect()
}

fn floats(stored: Stored, bytes: &[u8]) -> Vec<f32> {
    if !stored.is_float() {
        return integers(stored, bytes).into_iter().map(|integer| integer as f32).collect();
    }
    let mut floats = vec![0.0; bytes.len() / stored.size_bytes()];
    stored.write_f32(bytes, &mut floats);
    floats
}

/// What an example of an array of this shape is, and whether its channels come last.
fn example(shape: &[usize]) -> Option<(Example, bool)> {
    let image = |channels, height, width| Example::Image(Image { channels, height, width });
    if shape.contains(&0) {
        return None;
    }
    match *shape {
        [_, features] => Some((Example::Features(features), false)),
        [_, height, width] => Some((image(1, height, width), false)),
        [_, channels @ (1 | 3 | 4), height, width] => Some((image(channels, height, width), false)),
        [_, height, width, channels @ (1 | 3 | 4)] => Some((image(channels, height, width), true)),
        _ => None,
    }
}

/// Images whose channels come last, with channels first; other numbers as they are.
fn channels_first<T: Copy>(numbers: Vec<T>, example: Example, last: bool) -> Vec<T> {
    let Example::Image(image) = example else { return numbers };
    if !last {
        return numbers;
    }
    let planes = |pixels: &[T]| -> Vec<T> {
        (0..image.channels)
            .flat_map(|channel| pixels.iter().skip(channel).step_by(image.channels))
            .copied()
            .collect()
    };
    numbers.chunks_exact(image.elements()).flat_map(planes).collect()
}

fn fault(path: &Path, expected: &str, found: String) -> DataError {
    DataError::Format { path: path.to_owned(), expected: expected.to_owned(), found, hint: HINT }
}

#[cfg(test)]
mod tests {
    use tensor::npz::Writer;

    use super::*;

    fn load_files(files: &[(&str, Array)], options: &str) -> Result<Splits, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut writer = Writer::new(File::create(file.path()).unwrap());
        for (name, Array { stored, shape, bytes }) in files {
            writer.array(name, *stored, shape, bytes).unwrap();
        }
        writer.finish().unwrap();
        crate::load(&format!("npz:{}{options}", file.path().display())).map_err(|error| error.to_string())
    }

    fn bytes(shape: &[usize], bytes: &[u8]) -> Array {
        Array { stored: Stored::U8, shape: shape.into(), bytes: bytes.to_vec() }
    }

    fn floats(shape: &[usize], numbers: &[f32]) -> Array {
        Array { stored: Stored::F32, shape: shape.into(), bytes: Stored::F32.encode(numbers) }
    }

    fn labels(labels: &[i64]) -> Array {
        let bytes = labels.iter().flat_map(|label| label.to_le_bytes()).collect();
        Array { stored: Stored::I64, shape: [labels.len()].into(), bytes }
    }

    #[test]
    fn four_arrays_are_the_two_parts() {
        let splits = load_files(
            &[
                ("x_train", bytes(&[2, 1, 2], &[0, 51, 102, 255])),
                ("y_train", bytes(&[2, 1], &[1, 0])),
                ("x_test", bytes(&[1, 1, 2], &[255, 0])),
                ("y_test", labels(&[3])),
            ],
            "",
        )
        .unwrap();
        assert_eq!(splits.train.example().to_string(), "images 1x1x2");
        assert_eq!((splits.train.classes(), splits.test.classes()), (4, 4));
        assert_eq!(splits.train.gather(&[0]).0.as_slice::<f32>().unwrap(), [0.0, 0.2]);
        assert_eq!(splits.test.labels().to_f64_vec(), [3.0]);
    }

    #[test]
    fn a_share_of_two_arrays_is_held_out() {
        let x: Vec<f32> = (0..20).map(|i| i as f32).collect();
        let files = [("x", floats(&[10, 2], &x)), ("y", labels(&[0, 1, 0, 1, 0, 1, 0, 1, 0, 1]))];
        let splits = load_files(&files, ",test=0.3").unwrap();
        assert_eq!((splits.train.len(), splits.test.len(), splits.train.features()), (7, 3, 2));
        assert_ne!(load_files(&files, ",test=0.3,split_seed=4").unwrap().test.x(), splits.test.x());
    }

    #[test]
    fn channels_may_come_last() {
        let last = floats(&[1, 2, 1, 3], &[1., 2., 3., 4., 5., 6.]);
        let files = [
            ("x_train", last.clone()),
            ("y_train", labels(&[0])),
            ("x_test", last),
            ("y_test", labels(&[0])),
        ];
        let train = load_files(&files, "").unwrap().train;
        assert_eq!(train.example().to_string(), "images 3x2x1");
        assert_eq!(train.x().to_f64_vec(), [1., 4., 2., 5., 3., 6.]);
    }

    #[test]
    fn wrong_arrays_are_refused() {
        let x = || ("x", floats(&[2, 1], &[1.0, 2.0]));
        let error = |files: &[(&str, Array)]| load_files(files, "").unwrap_err();
        assert!(error(&[x()]).contains("expected an array 'y', found x"));
        assert!(error(&[x(), ("y", labels(&[1]))]).contains("2 labels in 'y'"));
        assert!(error(&[x(), ("y", labels(&[1, -1]))]).contains("found label -1 at example 1"));
        assert!(error(&[x(), ("y", floats(&[2], &[0.0, 1.0]))]).contains("save them as integers"));
        assert!(error(&[("x", floats(&[2], &[0.0, 1.0])), ("y", labels(&[0, 1]))]).contains("found [2]"));
        assert!(error(&[("x", floats(&[0, 3], &[])), ("y", labels(&[]))]).contains("no size 0"));
        let nan = floats(&[2, 1], &[0.0, f32::NAN]);
        assert!(error(&[("x", nan), ("y", labels(&[0, 1]))]).contains("found NaN in example 1"));
        let error = crate::load("npz:/no/such.npz").unwrap_err().to_string();
        assert!(error.contains("cannot read /no/such.npz"), "{error}");
    }
}
