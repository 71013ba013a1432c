//! The built-in handwritten digits.

use std::path::Path;

use crate::{DataError, Splits, idx, line::Line, scaled::labelled};

const IMAGES: &[u8] = include_bytes!("../assets/digits-images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../assets/digits-labels-idx1-ubyte.gz");

/// The grey value of a full pixel.
const WHITE: f32 = 16.0;

/// Every fifth image, from the first on, is held out. Ours: the source's images come writer by writer and in a
/// nearly regular order of the digits, so that this keeps all writers and all digits in both parts.
const HELD_OUT_EVERY: usize = 5;

/// 1,797 images of 8 × 8 pixels, 1,437 to train on and 360 held out; both keep the order of the source.
pub(crate) fn load(line: &Line<'_>) -> Result<Splits, DataError> {
    let (images_path, labels_path) = (Path::new("digits images"), Path::new("digits labels"));
    let (images, labels) = (idx::decode(images_path, IMAGES, 3)?, idx::decode(labels_path, LABELS, 1)?);
    let all = labelled("digits", 10, images, &labels, WHITE, labels_path)?;
    let (test, train): (Vec<usize>, Vec<usize>) =
        (0..all.len()).partition(|index| index % HELD_OUT_EVERY == 0);
    let part = |name: &str, indices: &[usize]| all.select(indices).renamed(format!("digits ({name})"));
    Ok(Splits::new(line.spec, part("train", &train), part("test", &test)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits() -> Splits {
        load(&Line::new("digits", false).unwrap()).unwrap()
    }

    #[test]
    fn the_digits_are_those_of_the_source() {
        let splits = digits();
        assert_eq!((splits.train.len(), splits.test.len()), (1437, 360));
        let sum = |data: &crate::Dataset| data.x().to_f64_vec().iter().sum::<f64>() * f64::from(WHITE);
        assert_eq!(sum(&splits.train) + sum(&splits.test), 561_718.0);
        let first = splits.test.x().as_slice::<f32>().unwrap()[..8].to_vec();
        assert_eq!(first, [0., 0., 5., 13., 9., 1., 0., 0.].map(|grey: f32| grey / 16.0));
        assert_eq!(splits.train.labels().as_slice::<i32>().unwrap()[..6], [1, 2, 3, 4, 6, 7]);
    }

    #[test]
    fn pixels_span_the_unit_interval() {
        let splits = digits();
        let pixels = splits.train.x().to_f64_vec();
        assert_eq!(pixels.iter().copied().fold(f64::NAN, f64::min), 0.0);
        assert_eq!(pixels.iter().copied().fold(f64::NAN, f64::max), 1.0);
    }

    #[test]
    fn every_digit_is_in_both_parts() {
        let splits = digits();
        for data in [&splits.train, &splits.test] {
            assert!(data.counts().iter().all(|&count| count * 15 > data.len()), "{}", data.name());
        }
    }
}
